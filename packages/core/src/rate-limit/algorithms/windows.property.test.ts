import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../testing/test-support/property-runs.ts';
import { fixedWindow, type LimitAlgorithm, rateLimiter, slidingLog, slidingWindow } from '../index.ts';
import { type Admission, mostInAnyWindow } from '../test-support/admissions.ts';
import { steppedClock } from '../test-support/stepped-clock.ts';

const settings = fc.record({
  limit: fc.integer({ min: 1, max: 40 }),
  periodMs: fc.oneof(
    fc.integer({ min: 1, max: 100_000 }),
    fc.double({ min: 1, max: 1_000, noNaN: true }),
    fc.constant(34_560_000_000),
  ),
});
/** Whole microseconds, so that a window is as long as it says. */
const startMs = fc.integer({ min: 0, max: 10_000_000_000 });
const arrivals = fc.array(
  fc.record({
    step: fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 2.5, noNaN: true }),
      fc.double({ min: 0, max: 0.05, noNaN: true }),
    ),
    cost: fc.integer({ min: 0, max: 12 }),
  }),
  { minLength: 1, maxLength: 200 },
);
type Arrivals = readonly { readonly step: number; readonly cost: number }[];

function play(
  algorithm: LimitAlgorithm,
  { limit, periodMs }: { readonly limit: number; readonly periodMs: number },
  start: number,
  requests: Arrivals,
) {
  const clock = steppedClock(start);
  const limiter = rateLimiter({ limit, periodMs, algorithm, clock });
  const admitted: Admission[] = [];
  for (const { step, cost } of requests) {
    clock.step(step * periodMs);
    if (limiter.tryAcquire('key', { cost }).allowed) admitted.push({ atMs: clock.now(), cost });
  }
  return { clock, limiter, admitted };
}

const sumOf = (admissions: readonly Admission[]): number => admissions.reduce((sum, { cost }) => sum + cost, 0);

describe('the sliding log, for any limit, arrivals, costs and steps of the clock', () => {
  it('admits at most the limit in any window of a period', () => {
    fc.assert(
      fc.property(settings, startMs, arrivals, (limit, start, requests) => {
        const { admitted } = play(slidingLog, limit, start, requests);
        // The clock is read to a microsecond, and a period is a whole number of them.
        const windowMs = Math.round(limit.periodMs * 1_000) / 1_000 - 0.001;
        expect(mostInAnyWindow(admitted, windowMs - start * 1e-15, false)).toBeLessThanOrEqual(limit.limit);
      }),
      propertyRuns(300),
    );
  });
});

describe('the fixed window, for any limit, arrivals, costs and steps of the clock', () => {
  it('admits at most the limit in a window, and at most twice that in any period', () => {
    fc.assert(
      fc.property(settings, startMs, arrivals, (limit, start, requests) => {
        const { admitted } = play(fixedWindow, limit, start, requests);
        const periodUs = Math.round(limit.periodMs * 1_000);
        const windows = new Map<number, number>();
        for (const { atMs, cost } of admitted) {
          const window = Math.floor(Math.floor(atMs * 1_000 + 1 / 64) / periodUs);
          windows.set(window, (windows.get(window) ?? 0) + cost);
        }
        for (const sum of windows.values()) expect(sum).toBeLessThanOrEqual(limit.limit);
        expect(mostInAnyWindow(admitted, periodUs / 1_000 - 0.002, false)).toBeLessThanOrEqual(2 * limit.limit);
      }),
      propertyRuns(300),
    );
  });
});

describe('the sliding-window counter, for any limit, arrivals, costs and steps of the clock', () => {
  it('never lets its estimate exceed the limit, and admits at most twice that in any period', () => {
    fc.assert(
      fc.property(settings, startMs, arrivals, (limit, start, requests) => {
        const { admitted } = play(slidingWindow, limit, start, requests);
        const periodUs = Math.round(limit.periodMs * 1_000);
        const timeUs = ({ atMs }: Admission): number => Math.floor(atMs * 1_000 + 1 / 64);
        for (const [index, last] of admitted.entries()) {
          const window = Math.floor(timeUs(last) / periodUs);
          const soFar = admitted.slice(0, index + 1);
          const of = (wanted: number): number =>
            sumOf(soFar.filter((each) => Math.floor(timeUs(each) / periodUs) === wanted));
          const overlap = 1 - (timeUs(last) - window * periodUs) / periodUs;
          // Costs of 0 may pass at any time.
          if (last.cost > 0) expect(of(window) + of(window - 1) * overlap).toBeLessThanOrEqual(limit.limit + 1e-9);
        }
        expect(mostInAnyWindow(admitted, periodUs / 1_000 - 0.002, false)).toBeLessThanOrEqual(2 * limit.limit);
      }),
      propertyRuns(300),
    );
  });
});

describe.each([slidingLog, slidingWindow, fixedWindow])('$kind', (algorithm) => {
  it('keeps its word: what is refused fits after retryAfterMs, and not two microseconds before', () => {
    fc.assert(
      fc.property(settings, startMs, arrivals, (limit, start, requests) => {
        const clock = steppedClock(start);
        const limiter = rateLimiter({ ...limit, algorithm, clock });
        for (const { step, cost } of requests) {
          clock.step(step * limit.periodMs);
          const decision = limiter.tryAcquire('key', { cost });
          if (decision.allowed || decision.oversize || clock.now() + decision.retryAfterMs > 1e11) continue;
          const earlier = decision.retryAfterMs - 0.0025;
          if (earlier > 0) {
            clock.step(earlier);
            expect(limiter.check('key', { cost }).allowed).toBe(false);
            clock.step(0.0025);
          } else clock.step(decision.retryAfterMs);
          expect(limiter.tryAcquire('key', { cost }).allowed).toBe(true);
        }
      }),
      propertyRuns(200),
    );
  });

  it('says truly what remains: that much fits, and one more does not', () => {
    fc.assert(
      fc.property(settings, startMs, arrivals, (limit, start, requests) => {
        const clock = steppedClock(start);
        const limiter = rateLimiter({ ...limit, algorithm, clock });
        for (const { step, cost } of requests) {
          clock.step(step * limit.periodMs);
          const { remaining } = limiter.tryAcquire('key', { cost });
          expect(remaining === 0 || limiter.check('key', { cost: remaining }).allowed).toBe(true);
          expect(limiter.check('key', { cost: remaining + 1 }).allowed).toBe(false);
        }
      }),
      propertyRuns(200),
    );
  });

  it('reaches its rate in the long run, within a hundredth, when more is asked for than there is', () => {
    const clock = steppedClock(123);
    const limiter = rateLimiter({ limit: 200, periodMs: 1_000, algorithm, clock });
    let admitted = 0;
    for (let ms = 0; ms < 200_000; ms += 2) {
      clock.step(2);
      if (limiter.tryAcquire('key').allowed) admitted++;
    }
    expect(admitted / 200).toBeGreaterThanOrEqual(198);
    expect(admitted / 200).toBeLessThanOrEqual(202);
  });

  it('has no burst apart from its limit, and refuses to be told one', () => {
    const clock = steppedClock(0);
    expect(() => rateLimiter({ limit: 2, periodMs: 1_000, burst: 1, algorithm, clock })).toThrow(/rateLimiter.burst/);
    expect(() => rateLimiter({ limit: 2, periodMs: 1_000, strict: true, algorithm, clock })).toThrow(
      /rateLimiter.strict/,
    );
  });

  it('keeps what was taken when its numbers change', () => {
    const clock = steppedClock(5_000);
    const limiter = rateLimiter({ limit: 4, periodMs: 1_000, algorithm, clock });
    limiter.tryAcquire('a', { cost: 3 });
    limiter.update({ limit: 6 });
    expect(limiter.check('a').remaining).toBe(3);
    limiter.update({ limit: 4, periodMs: 2_000 });
    expect(limiter.check('a').remaining).toBe(1);
  });

  it('forgives and forgets', () => {
    const clock = steppedClock(5_000);
    const limiter = rateLimiter({ limit: 4, periodMs: 1_000, algorithm, clock });
    limiter.tryAcquire('a', { cost: 3 });
    limiter.reward('a', 2);
    expect(limiter.check('a').remaining).toBe(3);
    limiter.penalise('a', 5);
    expect(limiter.check('a')).toMatchObject({ allowed: false, remaining: 0 });
    limiter.reset('a');
    expect(limiter.check('a').remaining).toBe(4);
  });
});
