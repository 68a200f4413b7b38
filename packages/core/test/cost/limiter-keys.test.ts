/**
 * What many keys cost a limiter: bytes for each, and the longest time that one of them keeps everybody else waiting. That
 * is CPU time of the thread, since the machine may pause us at any moment, without the times at which the collector ran,
 * since its pauses are not ours. Neither are those of the engine where strings become keys of a Map: Node 26 stops for ten
 * milliseconds and more each time that the number of strings that were ever such keys has doubled, also where each of the
 * Maps is small. So the same keys are put into small Maps by themselves, and a limiter may take twice as long as those.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { rateLimiter } from 'breakwater/rate-limit';
import { VirtualClock } from 'breakwater/testing';

/** Its built output is what runs. */
const core = fileURLToPath(new URL('../..', import.meta.url));

const program = `
import { rateLimiter } from './dist/rate-limit/index.js';
// A day: nobody's debt is over, and forgotten, before the last has come, however slow the machine.
const keys = Number(process.argv[1]);
const maxKeys = Number(process.argv[2]);
globalThis.gc();
const before = process.memoryUsage();
const limiter = rateLimiter({ limit: 10, periodMs: 86_400_000, maxKeys });
const maps = Array.from({ length: 1_000 }, () => new Map());
const ways = { limiter: (key) => limiter.penalise(key, 1), maps: (key, at) => maps[at % 1_000].set(key, at) };
const put = ways[process.argv[3]];
let longestMs = 0;
for (let index = 0; index < keys;) {
  const heapBefore = process.memoryUsage().heapUsed;
  const started = process.threadCpuUsage().user;
  // Reading the time costs more than a few keys do.
  for (let times = 0; times < 64; times++, index++) put('client-' + index, index);
  const tookMs = (process.threadCpuUsage().user - started) / 1_000;
  if (process.memoryUsage().heapUsed > heapBefore) longestMs = Math.max(longestMs, tookMs);
}
globalThis.gc();
const after = process.memoryUsage();
const bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
console.log(JSON.stringify({ keys: limiter.statistics.keys, longestMs, bytesPerKey: bytes / limiter.statistics.keys }));
`;

interface Seen {
  readonly keys: number;
  readonly longestMs: number;
  readonly bytesPerKey: number;
}

function play(keys: number, maxKeys: number, way: 'limiter' | 'maps'): Seen {
  const flags = ['--expose-gc', '--input-type=module', '--eval', program, String(keys), String(maxKeys), way];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8', cwd: core })) as Seen;
}

/** Ten milliseconds, or twice as long as Maps by themselves take, where that is more. */
function longestAllowedMs(): number {
  const { longestMs } = play(1_000_000, 1, 'maps');
  return Math.max(10, 2 * longestMs);
}

it.runIf('threadCpuUsage' in process)(
  'a million keys take at most 180 bytes each, the key included, and none keeps the others waiting for 10 ms',
  () => {
    const seen = play(1_000_000, 1_000_000, 'limiter');
    console.log(
      `a million keys: ${seen.bytesPerKey.toFixed(0)} bytes each, longest pause ${seen.longestMs.toFixed(1)} ms`,
    );
    expect(seen.keys).toBe(1_000_000);
    expect(seen.bytesPerKey).toBeLessThanOrEqual(180);
    expect(seen.longestMs).toBeLessThan(longestAllowedMs());
  },
  60_000,
);

it.runIf('threadCpuUsage' in process)(
  'a million keys where 100,000 are remembered: bounded, and none keeps the others waiting for 10 ms',
  () => {
    const seen = play(1_000_000, 100_000, 'limiter');
    console.log(`100,000 of a million keys: longest pause ${seen.longestMs.toFixed(1)} ms`);
    expect(seen.keys).toBe(100_000);
    expect(seen.longestMs).toBeLessThan(longestAllowedMs());
  },
  60_000,
);

it('a flood of fresh keys does not drive out those that are being throttled', () => {
  const clock = new VirtualClock();
  const limiter = rateLimiter({ limit: 10, periodMs: 60_000, maxKeys: 10_000, clock });
  const throttled = Array.from({ length: 1_000 }, (_, index) => `greedy-${index}`);
  for (const key of throttled) limiter.tryAcquire(key, { cost: 10 });
  for (let index = 0; index < 300_000; index++) limiter.tryAcquire(`fresh-${index}`);
  expect(throttled.filter((key) => limiter.check(key).allowed)).toEqual([]);
});
