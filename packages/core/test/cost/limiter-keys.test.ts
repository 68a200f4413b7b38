/** A tenth of what `limiter-keys.model.test.ts` asks about: enough to see growth and pauses. */
import { expect, it } from 'vitest';
import { askAbout, canMeasure, longestAllowedMs } from './test-support/many-keys.ts';

it.runIf(canMeasure)(
  'a hundred thousand keys take at most 180 bytes each, the key included, and none keeps the others waiting for 10 ms',
  () => {
    const { keys, bytesPerKey, longestMs } = askAbout(100_000, 100_000);
    expect(keys).toBe(100_000);
    expect(bytesPerKey).toBeLessThanOrEqual(180);
    expect(longestMs).toBeLessThan(longestAllowedMs(100_000));
  },
);

it.runIf(canMeasure)('of a hundred thousand keys no more are remembered than there may be', () => {
  const { keys, longestMs } = askAbout(100_000, 10_000);
  expect(keys).toBe(10_000);
  expect(longestMs).toBeLessThan(longestAllowedMs(100_000));
});
