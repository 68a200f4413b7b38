/** A million keys, which take seconds: what the developer's loop sees of it is in `limiter-keys.test.ts`. */
import { expect, it } from 'vitest';
import { rateLimiter } from 'breakwater/rate-limit';
import { VirtualClock } from 'breakwater/testing';
import { askAbout, canMeasure, longestAllowedMs } from './test-support/many-keys.ts';

it.runIf(canMeasure)(
  'a million keys take at most 180 bytes each, the key included, and none keeps the others waiting for 10 ms',
  () => {
    const { keys, bytesPerKey, longestMs } = askAbout(1_000_000, 1_000_000);
    console.log(`a million keys: ${bytesPerKey.toFixed(0)} bytes each, longest pause ${longestMs.toFixed(1)} ms`);
    expect(keys).toBe(1_000_000);
    expect(bytesPerKey).toBeLessThanOrEqual(180);
    expect(longestMs).toBeLessThan(longestAllowedMs(1_000_000));
  },
);

it.runIf(canMeasure)(
  'a million keys where 100,000 are remembered: bounded, and none keeps the others waiting for 10 ms',
  () => {
    const { keys, longestMs } = askAbout(1_000_000, 100_000);
    console.log(`100,000 of a million keys: longest pause ${longestMs.toFixed(1)} ms`);
    expect(keys).toBe(100_000);
    expect(longestMs).toBeLessThan(longestAllowedMs(1_000_000));
  },
);

it('a flood of fresh keys does not drive out those that are being throttled', () => {
  const clock = new VirtualClock();
  const limiter = rateLimiter({ limit: 10, periodMs: 60_000, maxKeys: 10_000, clock });
  const throttled = Array.from({ length: 1_000 }, (_, index) => `greedy-${index}`);
  for (const key of throttled) limiter.tryAcquire(key, { cost: 10 });
  for (let index = 0; index < 300_000; index++) limiter.tryAcquire(`fresh-${index}`);
  expect(throttled.filter((key) => limiter.check(key).allowed)).toEqual([]);
});
