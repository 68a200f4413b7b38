import { VirtualClock } from 'breakwater/clock';
import { describe, expect, it } from 'vitest';
import { uncoloured } from '../progress/paint.ts';
import { ProgressTally } from '../progress/progress-state.ts';
import { renderComparison } from './comparison.ts';
import { LiveLanes, PlainLanes, type Lane } from './side-by-side.ts';

function lane(name: string): Lane {
  const tally = new ProgressTally();
  tally.totalKnown(100);
  return { name, tally, begun: false };
}

function settle({ tally }: Lane, rows: number, clock: VirtualClock): void {
  for (let position = 1; position <= rows; position += 1) {
    tally.rowSettled({ position, ok: true, category: undefined, attempts: 1, durationMs: 1 }, clock.now());
  }
}

describe('the comparison', () => {
  it('puts both runs side by side', () => {
    const shared = { rows: 1_000, outputPath: 'x' };
    const text = renderComparison({
      plainFetch: { ...shared, answered: 317, calls: 1_000, tooManyRequests: 450, elapsedMs: 2_681 },
      breakwater: { ...shared, answered: 1_000, calls: 1_187, tooManyRequests: 0, elapsedMs: 13_240 },
    });
    expect(`\n${text}\n`).toBe(`
                        plain fetch       Breakwater
  Rows answered        317 of 1,000   1,000 of 1,000
  Rows lost                     683                0
  Calls made                  1,000            1,187
  429s                          450                0
  Time                        2.7 s           13.2 s
`);
  });
});

describe('two runs side by side', () => {
  it('are a line each on a terminal, drawn in place at most ten times a second', async () => {
    const clock = new VirtualClock();
    const written: string[] = [];
    const stream = { isTTY: true, columns: 80, write: (text: string) => (written.push(text), true) };
    const lanes = [lane('plain fetch'), lane('Breakwater')];
    const live = new LiveLanes(lanes, stream, clock, uncoloured);
    lanes[0]!.begun = true;
    for (let row = 0; row < 100; row += 1) {
      settle(lanes[0]!, 1, clock);
      live.changed();
      await clock.advance(10);
    }
    live.close();
    expect(clock.pendingTimers).toBe(0);
    const text = written.join('');
    expect(text).toContain('  Breakwater   waiting for its turn');
    expect(text).toMatch(/  plain fetch  \[█+\] 100 of 100 rows/);
    expect(text.split('waiting for its turn').length - 1).toBeLessThanOrEqual(11);
  });

  it('are plain lines elsewhere: each quarter, each change of the upstream, and the end', () => {
    const clock = new VirtualClock();
    const written: string[] = [];
    const only = lane('Breakwater');
    const plain = new PlainLanes([only], { write: (text: string) => (written.push(text), true) }, clock);
    settle(only, 10, clock);
    plain.changed();
    settle(only, 20, clock);
    plain.changed();
    only.tally.upstreamChanged({ kind: 'down', sinceAt: 0, nextProbeAt: 1_000 }, clock.now());
    plain.changed();
    only.tally.upstreamChanged({ kind: 'probing', sinceAt: 0 }, clock.now());
    plain.changed();
    only.tally.upstreamChanged({ kind: 'up' }, clock.now());
    settle(only, 70, clock);
    only.result = '100 of 100 rows answered in 1 s';
    plain.changed();
    plain.close();
    expect(written).toEqual([
      'Breakwater: 30 of 100 rows\n',
      'Breakwater: 30 of 100 rows · upstream is down, next probe in 1 s\n',
      'Breakwater: 100 of 100 rows answered in 1 s\n',
    ]);
  });
});
