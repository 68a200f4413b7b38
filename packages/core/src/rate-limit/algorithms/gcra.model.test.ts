import fc from 'fast-check';
import { expect, it } from 'vitest';
import { modelRuns } from '../../testing/test-support/property-runs.ts';
import { rateLimiter } from '../index.ts';
import { steppedClock } from '../test-support/stepped-clock.ts';
import { microseconds } from './meter.ts';

/** Whole numbers of any size, in units of one limit-th of a microsecond: nothing is ever rounded. */
class ExactBucket {
  private readonly periodUs: bigint;
  private readonly limit: bigint;
  private readonly burst: bigint;
  private tat = 0n;

  constructor({ limit, periodMs, burst }: typeof limits extends fc.Arbitrary<infer Limit> ? Limit : never) {
    this.periodUs = BigInt(periodMs) * 1_000n;
    this.limit = BigInt(limit);
    this.burst = BigInt(burst);
  }

  ask(cost: bigint, nowUs: bigint) {
    const now = nowUs * this.limit;
    const from = this.tat > now ? this.tat : now;
    const allowed = from + cost * this.periodUs - now <= this.burst * this.periodUs;
    if (allowed && cost > 0n) this.tat = from + cost * this.periodUs;
    const ahead = this.tat > now ? this.tat - now : 0n;
    const left = (this.burst * this.periodUs - ahead) / this.periodUs;
    return { allowed, remaining: Number(left), resetMs: Number(ahead) / Number(this.limit) / 1_000 };
  }
}

const CENTURY_MS = 100 * 365 * 86_400_000;

/** From one in 400 days with a burst of one to a billion a second, and on to what no double counts exactly. */
const limits = fc
  .record({
    limit: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 1_000_000_000 })),
    periodMs: fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.constantFrom(1_000, 86_400_000, 34_560_000_000)),
    burst: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 40)),
  })
  // A burst must be there again within a hundred years, and small enough to count exactly.
  .map(({ limit, periodMs, burst }) => {
    const countable = Number.MAX_SAFE_INTEGER / Math.max(1, (periodMs * 1_000) % limit);
    return { limit, periodMs, burst: Math.floor(Math.min(burst, (CENTURY_MS / periodMs) * limit, countable)) };
  });
const requests = fc.array(
  fc.record({
    stepUs: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(50_000_000)),
    cost: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 1_000 })),
  }),
  { minLength: 1, maxLength: 24 },
);

it('GCRA decides, and tells what remains and when all is fresh, as integers of any size do', () => {
  fc.assert(
    fc.property(limits, requests, (limit, asked) => {
      const clock = steppedClock(5_000);
      const limiter = rateLimiter({ ...limit, clock });
      const exact = new ExactBucket(limit);
      for (const { stepUs, cost } of asked) {
        clock.step(stepUs / 1_000);
        const { allowed, remaining, resetMs } = limiter.tryAcquire('key', cost === 1 ? undefined : { cost });
        const { resetMs: exactly, ...expected } = exact.ask(BigInt(cost), BigInt(microseconds(clock.now())));
        expect({ allowed, remaining }).toEqual(expected);
        expect(Math.abs(resetMs - exactly)).toBeLessThanOrEqual(exactly * 1e-12);
      }
    }),
    modelRuns(),
  );
});
