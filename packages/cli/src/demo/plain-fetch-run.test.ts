import { VirtualClock } from 'breakwater/clock';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ProgressTally } from '../progress/progress-state.ts';
import { startUpstream } from '../upstream/server.ts';
import { demoPlan, SAMPLE_PATH } from './demo-plan.ts';
import { runWithPlainFetch } from './plain-fetch-run.ts';

it('loses with plain fetch what the upstream refuses or fails, and says so row by row', async () => {
  const clock = new VirtualClock();
  const folder = mkdtempSync(join(tmpdir(), 'breakwater-'));
  const upstream = await startUpstream({
    clock,
    fail: { 500: 0.1 },
    limit: { calls: 150, periodMs: 1_000 },
    keyBy: 'request',
  });
  try {
    const tally = new ProgressTally();
    const path = join(folder, 'plain.jsonl');
    const answered = await runWithPlainFetch(demoPlan(2, true), upstream.url, path, {
      clock,
      tally,
      changed: () => undefined,
    });
    const results = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const { byOutcome } = upstream.ledger();
    expect(byOutcome).toEqual({ 429: 50, 500: 150 - answered, answered });
    expect(results.filter((result) => 'value' in result)).toHaveLength(answered);
    expect(results.filter((result) => result.error === 'HTTP 429')).toHaveLength(50);
    expect(tally.settledRows).toBe(200);
    expect(clock.pendingTimers).toBe(0);
  } finally {
    await upstream.close();
    rmSync(folder, { recursive: true });
  }
});

it('has a sample of 1,000 different words, composed and with their part of speech', () => {
  const [header, ...lines] = readFileSync(SAMPLE_PATH, 'utf8').trimEnd().split('\n');
  const rows = lines.map((line) => line.split(','));
  expect(header).toBe('position,term,type');
  expect(rows.map(([position]) => Number(position))).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  expect(new Set(rows.map(([, term]) => term)).size).toBe(1_000);
  expect(rows.every(([, term = '']) => /^[가-힣]+$/.test(term))).toBe(true);
  expect(new Set(rows.map(([, , type]) => type))).toEqual(new Set(['noun', 'verb', 'adjective', 'adverb']));
});
