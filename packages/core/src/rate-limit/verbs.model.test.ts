import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { fixedWindow, gcra, type LimitAlgorithm, rateLimiter, slidingLog, slidingWindow } from './index.ts';
import { earliestUs, type NaiveCount, naiveCounts } from './test-support/naive-counts.ts';
import { steppedClock } from './test-support/stepped-clock.ts';

/** Eighths of a second, on which all quotients of times are exact. */
const GRID_MS = 125;
const BURST = 6;
const LIMITS = [4, 8, 16] as const;
const PERIODS_MS = [500, 1_000, 2_000] as const;

/** What one key is to be told, by definition. */
class NaiveLimiter {
  count: NaiveCount;
  private bannedUntilUs = 0;
  private pausedUntilUs = 0;
  private readonly fresh: () => NaiveCount;

  constructor(fresh: () => NaiveCount) {
    this.fresh = fresh;
    this.count = fresh();
  }

  answer(cost: number, nowUs: number) {
    const [held, untilUs] =
      this.bannedUntilUs > nowUs ? (['ban', this.bannedUntilUs] as const) : (['pause', this.pausedUntilUs] as const);
    if (untilUs > nowUs) return { allowed: false, limitName: held, remaining: 0, fitsAtUs: untilUs };
    const fitsAtUs = earliestUs(this.count, cost, nowUs);
    return { allowed: fitsAtUs === nowUs, limitName: 'rate-limit', remaining: this.remaining(nowUs), fitsAtUs };
  }

  ban(untilUs: number): void {
    this.bannedUntilUs = untilUs;
  }

  pause(untilUs: number): void {
    this.pausedUntilUs = Math.max(this.pausedUntilUs, untilUs);
  }

  reset(): void {
    this.count = this.fresh();
    this.bannedUntilUs = this.pausedUntilUs = 0;
  }

  private remaining(nowUs: number): number {
    let most = 0;
    while (this.count.fits(most + 1, nowUs)) most++;
    return most;
  }
}

const actions = fc.array(
  fc.record({
    steps: fc.oneof(fc.constant(0), fc.nat(4), fc.constantFrom(8, 40)),
    verb: fc.constantFrom(
      'try',
      'try',
      'try',
      'check',
      'penalise',
      'reward',
      'reset',
      'ban',
      'pause',
      'update',
      'change',
    ),
    key: fc.constantFrom('a', 'b'),
    cost: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 20 })),
  }),
  { minLength: 1, maxLength: 24 },
);

const algorithms: readonly LimitAlgorithm[] = [gcra, slidingLog, slidingWindow, fixedWindow];

describe.each(algorithms)('$kind, by whatever verbs and in whatever order', (algorithm) => {
  it('says what the definition says: whether a cost fits, when it will, what remains, and who else refuses', () => {
    fc.assert(
      fc.property(actions, (schedule) => {
        const clock = steppedClock(5_250);
        const numbers = { limit: LIMITS[1] as number, periodMs: PERIODS_MS[1] as number };
        const limiter = rateLimiter({ ...numbers, ...(algorithm.hasBurst ? { burst: BURST } : {}), algorithm, clock });
        const inUs = () => ({ limit: numbers.limit, periodUs: numbers.periodMs * 1_000 });
        const fresh = (): NaiveCount => naiveCounts[algorithm.kind]!(inUs(), BURST);
        const models = { a: new NaiveLimiter(fresh), b: new NaiveLimiter(fresh) };
        for (const { steps, verb, key, cost } of schedule) {
          clock.step(steps * GRID_MS);
          const nowUs = clock.now() * 1_000;
          const model = models[key];
          if (verb === 'try' || verb === 'check') {
            const { fitsAtUs, ...expected } = model.answer(cost, nowUs);
            if (verb === 'try' && expected.allowed) model.count.take(cost, nowUs);
            const left = verb === 'try' ? model.answer(cost, nowUs).remaining : expected.remaining;
            const decision = verb === 'try' ? limiter.tryAcquire(key, { cost }) : limiter.check(key, { cost });
            expect(decision).toMatchObject({ ...expected, remaining: left });
            const fitsAfterMs = (fitsAtUs - nowUs) / 1_000;
            if (fitsAfterMs === Infinity) expect(decision).toMatchObject({ oversize: true, retryAfterMs: Infinity });
            else expect(Math.abs(decision.retryAfterMs - fitsAfterMs)).toBeLessThanOrEqual(0.0011);
          } else if (verb === 'penalise') {
            limiter.penalise(key, cost);
            model.count.take(cost, nowUs);
          } else if (verb === 'reward') {
            limiter.reward(key, cost);
            model.count.forgive(cost, nowUs);
          } else if (verb === 'reset') {
            limiter.reset(key);
            model.reset();
          } else if (verb === 'ban') {
            limiter.ban(key, (cost + 1) * GRID_MS);
            model.ban(nowUs + (cost + 1) * GRID_MS * 1_000);
          } else if (verb === 'pause') {
            limiter.feedback({ status: 429, headers: { 'retry-after-ms': String((cost + 1) * GRID_MS) } }, key);
            model.pause(nowUs + (cost + 1) * GRID_MS * 1_000);
          } else {
            numbers.limit = LIMITS[cost % LIMITS.length]!;
            if (verb === 'change') numbers.periodMs = PERIODS_MS[steps % PERIODS_MS.length]!;
            limiter.update(verb === 'change' ? numbers : { limit: numbers.limit });
            for (const each of Object.values(models)) each.count.change(inUs(), nowUs);
          }
        }
      }),
      modelRuns(),
    );
  });
});
