import { readFileSync, writeFileSync } from 'node:fs';
import { seededRandom, systemClock } from 'breakwater/clock';
import { afterAll, expect, it } from 'vitest';
import { results, runJson, start, startUpstream, temporaryFolder, words } from './programs.ts';

const kills = process.env['BREAKWATER_LONG'] === '1' ? 50 : 5;
const rows = 2_000;
const concurrency = 16;
const ratePerSecond = 400;
const burst = 20;

const folder = temporaryFolder();
afterAll(() => folder.remove());

it(`a run that is killed ${kills} times and resumed ends as an undisturbed one: every row once and in order, at most the rows in flight called again, the limit kept`, async () => {
  const faults = [
    '--fail',
    '500=0.05,503=0.02,reset=0.02,half=0.02,bad-json=0.02',
    '--latency',
    '2ms..12ms',
    '--seed',
    '7',
  ];
  const upstream = await startUpstream(...faults);
  const input = folder.path('words.csv');
  writeFileSync(input, words(rows));
  const random = seededRandom(20261121);
  const args = (out: string): string[] => [
    ...[input, '--url', `${upstream.url}/cards`, '--body', '{"word":"{{term}}"}', '--out', out, '--select', '/request'],
    ...['-c', String(concurrency), '--rate', `${ratePerSecond}/s`, '--burst', String(burst), '--max-attempts', '10'],
  ];
  const out = folder.path('killed.jsonl');
  try {
    // About the time that the run takes, shared among the kills; never so short that it is over before it begins.
    const lifeMs = (rows / ratePerSecond) * (1_200 / kills);
    for (let kill = 0; kill < kills; kill += 1) {
      const running = start(['run', ...args(out), '--resume', '--quiet']);
      await after(150 + random.next() * 2 * lifeMs);
      running.process.kill('SIGKILL');
      await running.ended;
    }
    const { code, summary } = await runJson([...args(out), '--resume']);
    expect([code, summary.answered, summary.remaining]).toEqual([0, rows, 0]);

    const ledger = await upstream.ledger();
    expect(ledger.keys.distinct).toBe(rows);
    expect(ledger.keys.answered).toBe(rows);
    // Answered twice: the answer was on its way into the journal when the process died.
    expect(ledger.keys.answeredTwice).toBeLessThanOrEqual(kills * concurrency);
    // One burst per run, and a run is killed in the same second only if kills come that fast.
    const runsInAPeriod = 1 + Math.ceil(ledger.peak.periodMs / 150);
    expect(ledger.peak.calls).toBeLessThanOrEqual(
      (ratePerSecond * ledger.peak.periodMs) / 1000 + burst * runsInAPeriod,
    );

    const killed = results(out);
    expect(killed.map(({ position }) => position)).toEqual(Array.from({ length: rows }, (_, index) => index + 1));
    for (const { position, row, value, ok } of killed) {
      expect([ok, row, value]).toEqual([
        true,
        { position: String(position), term: `단어${position}`, type: 'noun' },
        { word: `단어${position}` },
      ]);
    }
    const undisturbed = folder.path('undisturbed.jsonl');
    expect((await runJson(args(undisturbed))).code).toBe(0);
    expect(withoutMeasures(out)).toBe(withoutMeasures(undisturbed));
  } finally {
    await upstream.stop();
  }
}, 600_000);

/** How often and how long is a matter of chance; all else is the same to the byte. */
function withoutMeasures(path: string): string {
  return readFileSync(path, 'utf8').replaceAll(/"attempts":\d+,"durationMs":[\d.]+/g, '');
}

function after(delayMs: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(delayMs, resolve));
}
