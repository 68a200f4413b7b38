/** Those who wait for a limiter, against a list of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { PRIORITIES, priorityLevel, priorityOf } from '../policy/priority.ts';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import {
  fixedWindow,
  gcra,
  type LimitAlgorithm,
  type RateLimitDecision,
  type RateLimiter,
  rateLimiter,
  slidingLog,
  slidingWindow,
} from './index.ts';
import { naiveCounts, type NaiveNumbers } from './test-support/naive-counts.ts';
import { type Ending, NaiveQueue, type Waiting } from './test-support/naive-queue.ts';

/** Sixteenths of a second, which all intervals are multiples of. */
const GRID_MS = 62.5;
const BURST = 6;
const LIMITS = [4, 8, 16] as const;
const PERIODS_MS = [500, 1_000, 2_000] as const;

const step = fc.record({
  steps: fc.oneof(fc.constant(0), fc.nat(6), fc.constantFrom(40)),
  verb: fc.constantFrom(
    ...(['acquire', 'acquire', 'acquire', 'acquire', 'acquire', 'try', 'try'] as const),
    ...(['abort', 'settle', 'penalise', 'update', 'change', 'pause'] as const),
  ),
  priority: fc.constantFrom(...PRIORITIES, 'high' as const, 'batch' as const),
  cost: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: BURST })),
  settles: fc.boolean(),
  maxWait: fc.option(fc.nat(40), { nil: undefined }),
  which: fc.nat(30),
});
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

/** The limiter and its model, told the same. */
class Comparison {
  private readonly clock: VirtualClock = new VirtualClock({ startMs: 8_000 });
  private readonly algorithm: LimitAlgorithm;
  private readonly limiter: RateLimiter;
  private readonly model: NaiveQueue;
  private readonly numbers: { limit: number; periodMs: number } = { limit: LIMITS[1], periodMs: PERIODS_MS[1] };
  private readonly decisions: Map<number, { decision: RateLimitDecision; cost: number }> = new Map();
  private readonly aborts: Map<number, AbortController> = new Map();
  private readonly endings: Map<number, Ending> = new Map();
  private readonly order: number[] = [];
  private queued = 0;

  constructor(algorithm: LimitAlgorithm) {
    this.algorithm = algorithm;
    const burst = algorithm.hasBurst ? { burst: BURST } : {};
    this.limiter = rateLimiter({ ...this.numbers, ...burst, algorithm, clock: this.clock });
    this.model = new NaiveQueue(naiveCounts[algorithm.kind]!(this.inUs, BURST));
    this.limiter.events.on('limit-queued', () => void this.queued++);
  }

  private get inUs(): NaiveNumbers {
    return { limit: this.numbers.limit, periodUs: this.numbers.periodMs * 1_000 };
  }

  private get nowUs(): number {
    return Math.floor(this.clock.now() * 1_000 + 1 / 64);
  }

  async play(schedule: readonly Step[]): Promise<void> {
    for (const [id, { steps, ...told }] of schedule.entries()) {
      const fromUs = this.nowUs;
      await this.clock.advance(steps * GRID_MS);
      this.model.passTo(this.nowUs, fromUs);
      await this.tell(id, told);
      await this.clock.advance(0);
      this.model.passTo(this.nowUs, this.nowUs);
    }
    expect([...this.endings].toSorted(byId)).toEqual([...this.model.endings].toSorted(byId));
    expect(this.order).toEqual(this.model.order);
    expect(this.limiter.statistics.waiting).toBe(this.waiting.length);
  }

  private get waiting(): readonly number[] {
    return [...this.aborts.keys()].filter((id) => this.model.isWaiting(id));
  }

  private async tell(
    id: number,
    { verb, priority, cost, settles, maxWait, which }: Omit<Step, 'steps'>,
  ): Promise<void> {
    const level = priorityLevel(priority);
    if (verb === 'acquire') {
      // Ends of waits fall on no moment that anything else falls on.
      const maxWaitMs = maxWait === undefined ? Infinity : maxWait * GRID_MS + (id + 1) / 8;
      await this.acquire({ id, level, cost, settles, untilUs: this.nowUs + maxWaitMs * 1_000 }, maxWaitMs);
    } else if (verb === 'try') {
      const decision = this.limiter.tryAcquire('key', { priority, cost, settles });
      expect(decision.allowed).toBe(this.model.tries({ id, level, cost }, this.nowUs));
      if (decision.allowed && settles) this.decisions.set(id, { decision, cost });
    } else if (verb === 'abort') {
      const { waiting } = this;
      if (waiting.length === 0) return;
      const chosen = waiting[which % waiting.length]!;
      this.aborts.get(chosen)!.abort();
      this.model.withdraw(chosen);
    } else if (verb === 'settle') {
      const known = [...this.decisions];
      if (known.length === 0) return;
      const [chosen, made] = known[which % known.length]!;
      this.decisions.delete(chosen);
      expect(this.limiter.settle(made.decision, cost)).toBe(true);
      this.model.settle(chosen, made.cost, cost, this.nowUs);
    } else if (verb === 'penalise') {
      this.limiter.penalise('key', cost);
      this.model.penalise(cost, this.nowUs);
    } else if (verb === 'pause') {
      const ms = (which + 1) * GRID_MS;
      this.limiter.feedback({ status: 429, headers: { 'retry-after-ms': String(ms) } }, 'key');
      this.model.pausedUntilUs = Math.max(this.model.pausedUntilUs, this.nowUs + ms * 1_000);
    } else {
      this.numbers.limit = LIMITS[which % LIMITS.length]!;
      if (verb === 'change') this.numbers.periodMs = PERIODS_MS[cost % PERIODS_MS.length]!;
      this.limiter.update(verb === 'change' ? this.numbers : { limit: this.numbers.limit });
      this.model.change(this.inUs, this.nowUs);
    }
  }

  private async acquire(request: Omit<Waiting, 'weight'>, maxWaitMs: number): Promise<void> {
    const { id, level, cost, settles, untilUs } = request;
    const { queued } = this;
    const controller = new AbortController();
    const options = { cost, priority: priorityOf(level), settles, maxWaitMs, signal: controller.signal };
    const ending = this.limiter.acquire('key', options).then(
      (decision) => {
        if (settles) this.decisions.set(id, { decision, cost });
        return 'admitted';
      },
      (error: { readonly code?: string; readonly reason?: string }) =>
        error.code === 'COST_TOO_LARGE' ? 'too large' : (error.reason ?? 'aborted'),
    );
    const goesOnAtOnce = this.model.tries(request, this.nowUs);
    if (this.queued > queued) {
      expect(goesOnAtOnce).toBe(false);
      if (this.algorithm === gcra) expect(this.model.soonestUs(request, this.nowUs)).toBeLessThanOrEqual(untilUs);
      this.aborts.set(id, controller);
      this.model.waits(request);
      void ending.then((how) => this.ended(id, how));
      return;
    }
    const how = await ending;
    expect(how === 'admitted').toBe(goesOnAtOnce);
    if (goesOnAtOnce || how === 'too large') return;
    // Beyond the next round a wait is foreseen to a period, but for a bucket.
    const toleranceUs = this.algorithm === gcra ? 0 : this.inUs.periodUs;
    expect(this.model.foreseenUs(request, this.nowUs)).toBeGreaterThan(untilUs - toleranceUs);
  }

  private ended(id: number, how: string): void {
    if (how !== 'aborted') this.endings.set(id, [how, this.nowUs]);
    if (how === 'admitted') this.order.push(id);
  }
}

const byId = ([one]: readonly [number, Ending], [other]: readonly [number, Ending]): number => one - other;

const algorithms: readonly LimitAlgorithm[] = [gcra, slidingLog, slidingWindow, fixedWindow];

describe.each(algorithms)('who waits by $kind', (algorithm) => {
  it('is admitted, refused and given up when a list of all who wait says so, and in its order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 16 }), async (schedule) => {
        await new Comparison(algorithm).play(schedule);
      }),
      modelRuns(),
    );
  });
});
