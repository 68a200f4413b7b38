/**
 * What many keys cost a limiter: bytes for each, and the longest time that one of them keeps everybody else waiting. That
 * is CPU time of the thread, since the machine may pause us at any moment, without the times at which the collector ran,
 * since its pauses are not ours.
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
let longestMs = 0;
for (let index = 0; index < keys;) {
  const heapBefore = process.memoryUsage().heapUsed;
  const started = process.threadCpuUsage().user;
  // Reading the time costs more than a few keys do.
  for (let times = 0; times < 64; times++) limiter.penalise('client-' + index++, 1);
  const tookMs = (process.threadCpuUsage().user - started) / 1_000;
  if (process.memoryUsage().heapUsed > heapBefore) longestMs = Math.max(longestMs, tookMs);
}
globalThis.gc();
const after = process.memoryUsage();
const bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
console.log(JSON.stringify({ keys: limiter.statistics.keys, longestMs, bytesPerKey: bytes / limiter.statistics.keys }));
`;

function play(keys: number, maxKeys: number): { keys: number; longestMs: number; bytesPerKey: number } {
  const flags = ['--expose-gc', '--input-type=module', '--eval', program, String(keys), String(maxKeys)];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8', cwd: core })) as never;
}

it.runIf('threadCpuUsage' in process)(
  'a million keys take at most 180 bytes each, the key included, and none keeps the others waiting for 10 ms',
  () => {
    const seen = play(1_000_000, 1_000_000);
    console.log(
      `a million keys: ${seen.bytesPerKey.toFixed(0)} bytes each, longest pause ${seen.longestMs.toFixed(1)} ms`,
    );
    expect(seen.keys).toBe(1_000_000);
    expect(seen.bytesPerKey).toBeLessThanOrEqual(180);
    expect(seen.longestMs).toBeLessThan(10);
  },
  60_000,
);

it.runIf('threadCpuUsage' in process)(
  'a million keys where 100,000 are remembered: bounded, and none keeps the others waiting for 10 ms',
  () => {
    const seen = play(1_000_000, 100_000);
    console.log(`100,000 of a million keys: longest pause ${seen.longestMs.toFixed(1)} ms`);
    expect(seen.keys).toBe(100_000);
    expect(seen.longestMs).toBeLessThan(10);
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
