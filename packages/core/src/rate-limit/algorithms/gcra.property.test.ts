import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateLimiter } from '../index.ts';
import { type Admission, mostInAnyWindow } from '../test-support/admissions.ts';
import { steppedClock } from '../test-support/stepped-clock.ts';
import { propertyRuns } from '../../testing/test-support/property-runs.ts';

const limits = fc.record({
  limit: fc.integer({ min: 1, max: 1_000 }),
  periodMs: fc.oneof(
    fc.integer({ min: 1, max: 100_000 }),
    fc.double({ min: 1, max: 1_000, noNaN: true }),
    fc.constant(34_560_000_000),
  ),
  burst: fc.integer({ min: 1, max: 50 }),
});
const startMs = fc.double({ min: 0, max: 1e10, noNaN: true });
/** Steps in periods; most arrivals come in heaps. */
const arrivals = fc.array(
  fc.record({
    step: fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 1.5, noNaN: true }),
      fc.double({ min: 0, max: 0.01, noNaN: true }),
    ),
    cost: fc.integer({ min: 0, max: 60 }),
  }),
  { minLength: 1, maxLength: 300 },
);

describe('GCRA, for any limit, arrivals, costs and steps of the clock', () => {
  it('admits at most burst + limit in any window of a period', () => {
    fc.assert(
      fc.property(limits, startMs, arrivals, (options, start, requests) => {
        const clock = steppedClock(start);
        const limiter = rateLimiter({ ...options, clock });
        const admitted: Admission[] = [];
        for (const { step, cost } of requests) {
          clock.step(step * options.periodMs);
          if (limiter.tryAcquire('key', { cost }).allowed) admitted.push({ atMs: clock.now(), cost });
        }
        // The clock is read to a microsecond.
        const rounding = (0.001 * options.limit) / options.periodMs;
        expect(mostInAnyWindow(admitted, options.periodMs)).toBeLessThanOrEqual(
          options.burst + options.limit + rounding,
        );
      }),
      propertyRuns(300),
    );
  });

  it('admits at most the limit in any window of a period when strict', () => {
    fc.assert(
      fc.property(limits, startMs, arrivals, ({ limit, periodMs, burst }, start, requests) => {
        const clock = steppedClock(start);
        const limiter = rateLimiter({ limit: limit + burst, periodMs, burst, strict: true, clock });
        const admitted: Admission[] = [];
        for (const { step, cost } of requests) {
          clock.step(step * periodMs);
          if (limiter.tryAcquire('key', { cost }).allowed) admitted.push({ atMs: clock.now(), cost });
        }
        expect(mostInAnyWindow(admitted, periodMs)).toBeLessThanOrEqual(limit + burst + (0.001 * limit) / periodMs);
      }),
      propertyRuns(300),
    );
  });

  it('keeps its word: what is refused fits after retryAfterMs, and not a microsecond and a half before', () => {
    fc.assert(
      fc.property(limits, startMs, arrivals, (options, start, requests) => {
        const clock = steppedClock(start);
        const limiter = rateLimiter({ ...options, clock });
        for (const { step, cost } of requests) {
          clock.step(step * options.periodMs);
          const decision = limiter.tryAcquire('key', { cost });
          // Decades from now milliseconds as doubles no longer tell microseconds apart.
          if (decision.allowed || clock.now() + decision.retryAfterMs > 1e11) continue;
          const earlier = decision.retryAfterMs - 0.0025;
          if (earlier > 0) {
            clock.step(earlier);
            expect(limiter.check('key', { cost }).allowed).toBe(false);
            clock.step(0.0025);
          } else clock.step(decision.retryAfterMs);
          expect(limiter.tryAcquire('key', { cost }).allowed).toBe(true);
        }
      }),
      propertyRuns(300),
    );
  });

  it('says truly what remains: that much fits, and one more does not', () => {
    fc.assert(
      fc.property(limits, startMs, arrivals, (options, start, requests) => {
        const clock = steppedClock(start);
        const limiter = rateLimiter({ ...options, clock });
        for (const { step, cost } of requests) {
          clock.step(step * options.periodMs);
          const { remaining } = limiter.tryAcquire('key', { cost });
          expect(limiter.check('key', { cost: remaining }).allowed).toBe(true);
          expect(limiter.check('key', { cost: remaining + 1 }).allowed).toBe(false);
        }
      }),
      propertyRuns(300),
    );
  });

  it('reaches its rate in the long run, within a hundredth, when more is asked for than there is', () => {
    fc.assert(
      fc.property(limits, startMs, ({ burst: least, ...rest }, start) => {
        // With a burst of 1 a request that comes late is lost for good: there is nothing to make up for it.
        const options = { ...rest, burst: least + 1 };
        const clock = steppedClock(start);
        const limiter = rateLimiter({ ...options, clock });
        const intervalMs = options.periodMs / options.limit;
        let admitted = 0;
        for (let ask = 0; ask < 2_000; ask++) {
          clock.step(intervalMs / 2);
          if (limiter.tryAcquire('key').allowed) admitted++;
        }
        const due = 1_000 + options.burst;
        expect(admitted).toBeLessThanOrEqual(due + 1);
        if (intervalMs >= 0.01) expect(admitted).toBeGreaterThanOrEqual((due - 1) * 0.99);
      }),
      propertyRuns(100),
    );
  });
});
