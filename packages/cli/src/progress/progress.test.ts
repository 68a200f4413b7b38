import { VirtualClock } from 'breakwater/clock';
import { describe, expect, it } from 'vitest';
import type { RunStart } from '../run/observer.ts';
import { createProgress, type Progress, type ProgressMode } from './progress.ts';

const start: RunStart = {
  inputName: 'words.csv',
  outputPath: 'out.jsonl',
  totalRows: 1_000,
  resumedRows: 0,
  concurrency: 10,
  ratePerSecond: undefined,
};

function drawing(mode: ProgressMode, columns = 60, isTTY = mode === 'bar') {
  const clock = new VirtualClock();
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => (written.push(text), true) };
  const progress = createProgress({ mode, stream, clock, colour: false });
  return { clock, written, progress, text: () => written.join('') };
}

function settle(progress: Progress, rows: number): void {
  for (let position = 1; position <= rows; position += 1) {
    progress.rowStarted();
    progress.rowSettled({ position, ok: true, category: undefined, attempts: 1, durationMs: 5 });
  }
}

describe('the bar', () => {
  it('is drawn at most ten times a second, however many rows are settled', async () => {
    const { clock, written, progress } = drawing('bar');
    progress.started(start);
    for (let tick = 0; tick < 1_000; tick += 1) {
      settle(progress, 1);
      await clock.advance(1);
    }
    const draws = written.filter((text) => text.includes(' of 1,000 rows'));
    expect(draws.length).toBeGreaterThanOrEqual(10);
    expect(draws.length).toBeLessThanOrEqual(11);
    expect(draws.at(-1)).toContain('/s · ');
    progress.close();
  });

  it('counts down to the next probe while nothing else happens', async () => {
    const { clock, text, progress } = drawing('bar', 80);
    progress.started(start);
    progress.upstreamChanged({ kind: 'down', sinceAt: 0, nextProbeAt: 3_000 });
    await clock.advance(3_000);
    expect([3, 2, 1].map((seconds) => text().includes(`next probe in ${seconds} s`))).toEqual([true, true, true]);
    progress.close();
  });

  it('takes the line away before a message and draws it again after it', async () => {
    const { clock, written, progress } = drawing('bar');
    progress.started(start);
    await clock.advance(200);
    written.length = 0;
    progress.message('warn', 'row 3 has no type');
    expect(written).toEqual([
      '\u001b[1G',
      '\u001b[2K',
      'row 3 has no type\n',
      '\u001b[1G',
      expect.stringContaining('0 of 1,000 rows'),
      '\u001b[0K',
    ]);
    progress.close();
  });

  it('leaves no timer and no line when it is closed', async () => {
    const { clock, written, progress } = drawing('bar');
    progress.started(start);
    progress.close();
    progress.close();
    settle(progress, 1);
    expect(clock.pendingTimers).toBe(0);
    expect(written.slice(-2)).toEqual(['\u001b[1G', '\u001b[2K']);
  });
});

describe('plain lines', () => {
  it('come with each tenth of the rows', () => {
    const { text, progress } = drawing('plain');
    progress.started(start);
    settle(progress, 250);
    progress.close();
    expect(text()).toBe('100 of 1,000 rows\n200 of 1,000 rows\n');
  });

  it('come every five seconds where a tenth takes longer', async () => {
    const { clock, text, progress } = drawing('plain');
    progress.started(start);
    for (let second = 0; second < 11; second += 1) {
      settle(progress, 1);
      await clock.advance(1_000);
    }
    progress.close();
    expect(text()).toBe('5 of 1,000 rows · 1/s · 16 min 35 s left\n10 of 1,000 rows · 1/s · 16 min 30 s left\n');
  });

  it('forget a standstill once it is over, so that the time left is that of the running upstream', async () => {
    const { clock, text, progress } = drawing('plain');
    progress.started(start);
    progress.upstreamChanged({ kind: 'down', sinceAt: 0, nextProbeAt: 4_000 });
    await clock.advance(4_000);
    progress.upstreamChanged({ kind: 'up' });
    for (let tick = 0; tick < 100; tick += 1) {
      await clock.advance(10);
      settle(progress, 1);
    }
    progress.close();
    expect(text().trimEnd().split('\n').at(-1)).toBe('100 of 1,000 rows · 100/s · 9 s left');
  });

  it('tell once that the upstream is down, and that it is back', () => {
    const { text, progress } = drawing('plain');
    progress.started(start);
    progress.upstreamChanged({ kind: 'down', sinceAt: 0, nextProbeAt: 12_000 });
    progress.upstreamChanged({ kind: 'probing', sinceAt: 0 });
    progress.upstreamChanged({ kind: 'down', sinceAt: 0, nextProbeAt: 12_000 });
    progress.upstreamChanged({ kind: 'up' });
    progress.close();
    expect(text()).toBe('0 of 1,000 rows · upstream is down, next probe in 12 s\n0 of 1,000 rows\n');
  });

  it('are what a stream without a terminal gets', () => {
    const { text, progress } = drawing('auto', 60, false);
    progress.started({ ...start, totalRows: 10 });
    settle(progress, 1);
    progress.close();
    expect(text()).toBe('1 of 10 rows\n');
  });
});

describe('no progress', () => {
  it('still prints messages of the chosen level', () => {
    const { text, progress } = drawing('none');
    progress.started(start);
    settle(progress, 1_000);
    progress.message('warn', 'the output folder is on a network drive');
    progress.message('debug', 'not for everybody');
    expect(text()).toBe('the output folder is on a network drive\n');
  });
});
