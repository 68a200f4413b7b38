/**
 * Waiting, as plainly as it can be told: one key, a list of those who wait, and a count by definition. After each event
 * whoever's turn it is goes on for as long as it fits; time goes from one such moment, or end of a wait, to the next.
 */
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
import {
  earliestUs,
  type NaiveCount,
  naiveCounts,
  type NaiveNumbers,
  type NaiveTake,
} from './test-support/naive-counts.ts';

/** Sixteenths of a second, which all intervals are multiples of. */
const GRID_MS = 62.5;
const BURST = 6;
const LIMITS = [4, 8, 16] as const;
const PERIODS_MS = [500, 1_000, 2_000] as const;
/** A fiftieth of what passes somebody over is his. */
const FLOOR_PARTS = 50;

interface Waiting {
  readonly id: number;
  readonly level: number;
  readonly cost: number;
  readonly weight: number;
  readonly settles: boolean;
  readonly untilUs: number;
}

/** How a request ended: `admitted` or `wait`, at a microsecond. */
type Ending = readonly [how: string, atUs: number];

class NaiveLimiter {
  readonly endings: Map<number, Ending> = new Map();
  /** Who was admitted from the queue, in order. */
  readonly order: number[] = [];
  readonly takes: Map<number, NaiveTake> = new Map();
  pausedUntilUs = 0;
  private readonly count: NaiveCount;
  private waiting: readonly Waiting[] = [];
  /** What was served past the longest of the less urgent, in weights. */
  private passedOver = 0;

  constructor(count: NaiveCount) {
    this.count = count;
  }

  /** Decides at once: whether it goes on now. */
  tries({ id, level, cost }: Pick<Waiting, 'id' | 'level' | 'cost'>, nowUs: number): boolean {
    const isBehind = this.waiting.some((each) => each.level <= level) || this.floorTurn(level) !== undefined;
    if (isBehind || nowUs < this.pausedUntilUs || !this.count.fits(cost, nowUs)) return false;
    this.takes.set(id, this.count.take(cost, nowUs));
    if (this.waiting.length > 0) this.served(level, cost / this.count.maxCost);
    return true;
  }

  /** When a newcomer would be admitted if nobody came or left any more: it is not promised a turn by the floor. */
  foreseenUs(newcomer: Omit<Waiting, 'weight'>, nowUs: number): number {
    return Math.max(this.played(newcomer, nowUs, this.passedOver), this.played(newcomer, nowUs, -Infinity));
  }

  private played(newcomer: Omit<Waiting, 'weight'>, nowUs: number, passedOver: number): number {
    const played = new NaiveLimiter(copyOf(this.count));
    played.pausedUntilUs = this.pausedUntilUs;
    played.passedOver = passedOver;
    played.waiting = this.waiting.map((each) => ({ ...each, untilUs: Infinity }));
    played.waits({ ...newcomer, untilUs: Infinity });
    played.passTo(Infinity, nowUs);
    return played.endings.get(newcomer.id)![1];
  }

  /** When a bucket would be through with all who come before a newcomer for sure. */
  soonestUs({ level, cost }: Omit<Waiting, 'weight'>, nowUs: number): number {
    const copy = copyOf(this.count);
    for (const ahead of this.waiting) if (ahead.level <= level) copy.take(ahead.cost, nowUs);
    return Math.max(this.pausedUntilUs, earliestUs(copy, cost, nowUs));
  }

  waits(newcomer: Omit<Waiting, 'weight'>): void {
    this.waiting = [...this.waiting, { ...newcomer, weight: newcomer.cost / this.count.maxCost }];
  }

  withdraw(id: number): void {
    this.leave(this.waiting.find((each) => each.id === id)!);
  }

  isWaiting(id: number): boolean {
    return this.waiting.some((each) => each.id === id);
  }

  settle(id: number, cost: number, actual: number, nowUs: number): void {
    const take = this.takes.get(id)!;
    this.takes.delete(id);
    if (actual < cost) this.count.giveBack(take, cost - actual, nowUs);
    else if (actual > cost) this.count.take(actual - cost, nowUs);
  }

  change(numbers: NaiveNumbers, nowUs: number): void {
    this.count.change(numbers, nowUs);
  }

  penalise(cost: number, nowUs: number): void {
    this.count.take(cost, nowUs);
  }

  /** Everything that happens until `untilUs`. */
  passTo(untilUs: number, startUs: number): void {
    for (let nowUs = startUs; ;) {
      this.serve(nowUs);
      const turn = this.turn();
      if (turn === undefined) return;
      const fromUs = Math.max(nowUs, this.pausedUntilUs);
      const triesAtUs = turn.cost > this.count.maxCost ? fromUs : earliestUs(this.count, turn.cost, fromUs);
      const first = this.waiting.reduce((one, other) => (other.untilUs < one.untilUs ? other : one));
      nowUs = Math.min(triesAtUs, first.untilUs);
      if (nowUs > untilUs) return;
      this.serve(nowUs);
      if (first.untilUs === nowUs && this.waiting.includes(first)) this.end(first, 'wait', nowUs);
    }
  }

  private serve(nowUs: number): void {
    for (let turn = this.turn(); turn !== undefined; turn = this.turn()) {
      if (nowUs < this.pausedUntilUs) return;
      if (turn.cost > this.count.maxCost) this.end(turn, 'refused', nowUs);
      else if (!this.count.fits(turn.cost, nowUs)) return;
      else this.admit(turn, nowUs);
    }
  }

  private admit(turn: Waiting, nowUs: number): void {
    this.takes.set(turn.id, this.count.take(turn.cost, nowUs));
    this.served(turn.level, turn.weight);
    this.order.push(turn.id);
    this.end(turn, 'admitted', nowUs);
  }

  private end(waiting: Waiting, how: string, nowUs: number): void {
    // Who has become too large while he waited is told so, whenever he is told.
    this.endings.set(waiting.id, [waiting.cost > this.count.maxCost ? 'too large' : how, nowUs]);
    this.leave(waiting);
  }

  private leave(waiting: Waiting): void {
    this.waiting = this.waiting.filter((each) => each !== waiting);
    if (this.waiting.length === 0) this.passedOver = 0;
  }

  private turn(): Waiting | undefined {
    if (this.waiting.length === 0) return undefined;
    const level = Math.min(...this.waiting.map((each) => each.level));
    return this.floorTurn(level) ?? this.waiting.find((each) => each.level === level);
  }

  private floorTurn(level: number): Waiting | undefined {
    const longest = this.waiting.find((each) => each.level > level);
    if (longest === undefined || this.passedOver === 0) return undefined;
    return this.passedOver >= (FLOOR_PARTS - 1) * longest.weight - 1e-9 ? longest : undefined;
  }

  private served(level: number, weight: number): void {
    if (this.waiting.some((each) => each.level < level))
      this.passedOver = Math.max(0, this.passedOver - (FLOOR_PARTS - 1) * weight);
    else if (this.waiting.some((each) => each.level > level)) this.passedOver += weight;
    else this.passedOver = 0;
  }
}

function copyOf(count: NaiveCount): NaiveCount {
  return Object.assign(Object.create(Object.getPrototypeOf(count)), structuredClone({ ...count })) as NaiveCount;
}

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
  private readonly model: NaiveLimiter;
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
    this.model = new NaiveLimiter(naiveCounts[algorithm.kind]!(this.inUs, BURST));
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
