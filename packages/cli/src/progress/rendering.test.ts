import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../run/observer.ts';
import { coloured, wantsColour } from './paint.ts';
import type { ProgressState } from './progress-state.ts';
import { inThousands, spoken, spokenCoarsely, spokenRate } from './quantities.ts';
import { renderLine } from './render-line.ts';
import { renderSummary } from './render-summary.ts';
import { padEnd, textWidth, truncate } from './text-width.ts';

const running: ProgressState = {
  totalRows: 1_000,
  settledRows: 620,
  failedRows: 3,
  rowsInFlight: 50,
  ratePerSecond: 198.4,
  leftMs: 1_915,
  upstream: { kind: 'up' },
  stopping: undefined,
};

describe('the progress line', () => {
  it('tells rows done, failed, rate and time left', () => {
    expect(renderLine(running, 100)).toBe(
      '[██████████████████░░░░░░░░░░░░] 620 of 1,000 rows · 3 failed · 198/s · 2 s left',
    );
  });

  it('says that the upstream is down and when it is tried again', () => {
    const down = {
      ...running,
      failedRows: 0,
      leftMs: undefined,
      upstream: { kind: 'down', nextProbeInMs: 11_200 },
    } as const;
    expect(renderLine(down, 100)).toBe(
      '[██████████████████░░░░░░░░░░░░] 620 of 1,000 rows · upstream is down, next probe in 12 s',
    );
    expect(renderLine({ ...down, upstream: { kind: 'probing' } }, 60)).toBe(
      '[██████░░░░] 620 of 1,000 rows · upstream was down, probing',
    );
  });

  it('says why it stops and what it still waits for', () => {
    expect(renderLine({ ...running, failedRows: 0, ratePerSecond: undefined, stopping: 'interrupted' }, 70)).toBe(
      '[████████████░░░░░░░░] 620 of 1,000 rows · 50 in flight · interrupted',
    );
  });

  it('gives up the bar, the rate, the time left and the failures, in this order, where the terminal is narrow', () => {
    expect([65, 55, 45, 38, 10].map((width) => renderLine(running, width))).toEqual([
      '[██████░░░░] 620 of 1,000 rows · 3 failed · 198/s · 2 s left',
      '620 of 1,000 rows · 3 failed · 198/s · 2 s left',
      '620 of 1,000 rows · 3 failed · 2 s left',
      '620 of 1,000 rows · 3 failed',
      '620 of 1,…',
    ]);
  });

  it('never exceeds the width, whatever the state', () => {
    for (let width = 1; width < 140; width += 1) {
      expect(
        textWidth(renderLine({ ...running, upstream: { kind: 'down', nextProbeInMs: 3_700_000 } }, width)),
      ).toBeLessThanOrEqual(width);
    }
  });

  it('counts without a bar while the number of rows is unknown', () => {
    expect(renderLine({ ...running, totalRows: undefined, leftMs: undefined, failedRows: 0 }, 100)).toBe(
      '620 rows · 198/s',
    );
  });

  it('shows a full bar only when all rows are settled', () => {
    expect(renderLine({ ...running, settledRows: 999 }, 100)).toContain('█░]');
    expect(renderLine({ ...running, settledRows: 1_000 }, 100)).not.toContain('░');
  });
});

const summary: RunSummary = {
  ending: 'rows-failed',
  exitCode: 2,
  rows: 1_000,
  answered: 996,
  failed: 4,
  remaining: 0,
  resumedRows: 200,
  failures: [
    {
      category: 'http-4xx',
      rows: 3,
      samplePositions: [12, 57],
      sampleMessage: '404 Not Found: 단어를 찾을 수 없습니다',
    },
    { category: 'timeout', rows: 1, samplePositions: [301], sampleMessage: 'no answer\nin 2 s' },
  ],
  calls: 1_104,
  retries: 304,
  attemptsHistogram: [0, 700, 80, 20],
  latencyMs: { p50: 21.4, p90: 60, p99: 204.8, max: 1_420 },
  waitedForLimitMs: 42_300,
  tooManyRequests: 7,
  breakerOpenings: 2,
  elapsedMs: 12_420,
  rowsPerSecond: 64.4,
  outputPath: 'cards.jsonl',
  resumeCommand: undefined,
  retryFailedCommand: 'breakwater run words.csv --out cards.jsonl --resume --retry-failed',
};

describe('the summary', () => {
  it('tells all that happened and how to go on', () => {
    expect(`\n${renderSummary(summary, 72)}\n`).toBe(`
996 of 1,000 rows answered, 4 failed.

  Rows        1,000 (200 of them settled by an earlier run)
  Answered    996
  Failed      4
  Calls       1,104 (304 retries, 7 answered with 429)
  Latency     p50 21 ms, p90 60 ms, p99 205 ms, max 1.4 s
  Attempts    1 × 700 ████████████████████████
              2 ×  80 ███
              3 ×  20 █
  Rate limit  calls waited 42.3 s for it, added up
  Breaker     opened 2 times
  Time        12.4 s, 64/s
  Output      cards.jsonl

  Category  Failed  Positions  First message
  http-4xx       3  12, 57, …  404 Not Found: 단어를 찾을 수 없습니다
  timeout        1  301        no answer in 2 s

To call only the failed rows again:
  breakwater run words.csv --out cards.jsonl --resume --retry-failed
`);
  });

  it('is short where all went well', () => {
    const quiet: RunSummary = {
      ...summary,
      ending: 'answered',
      rows: 3,
      answered: 3,
      failed: 0,
      resumedRows: 0,
      failures: [],
      calls: 3,
      retries: 0,
      attemptsHistogram: [0, 3],
      waitedForLimitMs: 0,
      tooManyRequests: 0,
      breakerOpenings: 0,
      elapsedMs: 40,
      rowsPerSecond: 75,
      retryFailedCommand: undefined,
    };
    expect(`\n${renderSummary(quiet)}\n`).toBe(`
All 3 rows were answered.

  Rows        3
  Answered    3
  Failed      0
  Calls       3 (0 retries)
  Latency     p50 21 ms, p90 60 ms, p99 205 ms, max 1.4 s
  Time        40 ms, 75/s
  Output      cards.jsonl
`);
  });

  it('says what remains and the command that resumes', () => {
    const text = renderSummary({
      ...summary,
      ending: 'interrupted',
      answered: 500,
      failed: 0,
      remaining: 500,
      resumeCommand: 'breakwater run --resume',
    });
    expect(text.split('\n')[0]).toBe('Interrupted: 500 of 1,000 rows answered, 500 not called yet.');
    expect(text).toContain('To go on where it stopped:\n  breakwater run --resume');
  });
});

describe('widths and quantities', () => {
  it('counts Hangul, composed or decomposed, as two columns a syllable', () => {
    expect(textWidth('사과 3')).toBe(6);
    expect(textWidth('사과'.normalize('NFD'))).toBe(4);
    expect(textWidth('é'.normalize('NFD'))).toBe(1);
    expect(textWidth('👍')).toBe(2);
  });

  it('cuts between letters, never wider than asked', () => {
    expect(truncate('사과나무', 8)).toBe('사과나무');
    expect(truncate('사과나무', 7)).toBe('사과나…');
    expect(truncate('사과나무', 6)).toBe('사과…');
    expect(truncate('abc', 0)).toBe('');
    expect(padEnd('물', 4)).toBe('물  ');
  });

  it('speaks of quantities as people do', () => {
    expect([0, 999, 1_000, 1_234_567].map(inThousands)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([0.4, 999.9, 12_420, 59_999, 200_000, 3_900_000].map(spoken)).toEqual([
      '0 ms',
      '1 s',
      '12.4 s',
      '1 min',
      '3 min 20 s',
      '1 h 5 min',
    ]);
    expect([0, 1, 11_001, 60_000].map(spokenCoarsely)).toEqual(['0 s', '1 s', '12 s', '1 min']);
    expect([0, 0.25, 1.55, 198.4].map(spokenRate)).toEqual(['0/s', '15/min', '1.6/s', '198/s']);
  });
});

describe('colour', () => {
  it('wants a terminal, and obeys NO_COLOR, FORCE_COLOR and --no-color', () => {
    const terminal = { isTTY: true };
    expect(wantsColour(terminal, {})).toBe(true);
    expect(wantsColour({}, {})).toBe(false);
    expect(wantsColour(terminal, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColour(terminal, { NO_COLOR: '' })).toBe(true);
    expect(wantsColour({}, { FORCE_COLOR: '1' })).toBe(true);
    expect(wantsColour(terminal, { FORCE_COLOR: '1' }, false)).toBe(false);
    expect(wantsColour(terminal, { TERM: 'dumb' })).toBe(false);
  });

  it('changes no column of the line', () => {
    // eslint-disable-next-line no-control-regex
    const bare = renderLine(running, 100, coloured).replaceAll(/\u001b\[\d+m/g, '');
    expect(bare).toBe(renderLine(running, 100));
  });
});
