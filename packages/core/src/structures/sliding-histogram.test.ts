import fc from 'fast-check';
import { expect, it } from 'vitest';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { SlidingHistogram } from './sliding-histogram.ts';

it('holds what was recorded within its window, exact to a sub-window, whatever comes when', () => {
  const step = fc.record({ waitMs: fc.constantFrom(0, 3, 40, 95, 400), value: fc.integer({ min: 1, max: 1_000 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: -500, max: 500 }), (steps, origin) => {
      const sliding = new SlidingHistogram(400, 4);
      const recorded: { readonly at: number; readonly value: number }[] = [];
      let now = origin;
      for (const { waitMs, value } of steps) {
        now += waitMs;
        sliding.record(value, now);
        recorded.push({ at: now, value });
      }
      const { count } = sliding.at(now);
      expect(count).toBeLessThanOrEqual(recorded.filter(({ at }) => at > now - 400).length);
      expect(count).toBeGreaterThanOrEqual(recorded.filter(({ at }) => at > now - 300).length);
    }),
    propertyRuns(200),
  );
});

it('is empty after an idle window, also where nothing new came', () => {
  const sliding = new SlidingHistogram(1_000, 10);
  sliding.record(5, 0);
  expect(sliding.at(500).max).toBe(5);
  expect(sliding.at(1_100).count).toBe(0);
  expect(sliding.at(100_000).count).toBe(0);
});
