import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import type { EventSource } from '../events/event.ts';
import { Access } from './access.ts';
import { microseconds } from './algorithms/meter.ts';
import { type Cost, costAt, type Costs, resolveCharge, resolveCost } from './cost.ts';
import type { RateLimitDecision } from './decision.ts';
import type { RateLimiterEvents } from './events.ts';
import { followQuotas, pauseMs } from './feedback.ts';
import type { LimiterKey } from './keys/limiter-key.ts';
import { Limit } from './limit.ts';
import { LimitSet } from './limit-set.ts';
import { LimiterRecord } from './limiter-record.ts';
import { changedLimit, type LimitNumbers, type ResolvedLimit } from './limit-options.ts';
import type { ResolvedLimiterOptions } from './options.ts';
import type { CurrentLimit, ServerResponse } from './rate-limiter.ts';
import { checkBan, indexOfLimit } from './request.ts';
import type { LimiterCounts } from './statistics.ts';

/** The limits of a limiter in this process, its clock and its record, and what is known about keys from elsewhere. */
export abstract class LocalLimits {
  readonly name: string;
  readonly limitSet: LimitSet;
  protected readonly options: ResolvedLimiterOptions;
  protected readonly isShadow: boolean;
  protected readonly access: Access;
  protected readonly record: LimiterRecord;
  protected readonly counts: LimiterCounts;
  private numbers: readonly ResolvedLimit[];
  private ownClock: Clock | undefined;

  constructor(options: ResolvedLimiterOptions) {
    const { limits, maxKeys } = options;
    this.name = options.name;
    this.options = options;
    this.isShadow = options.shadow;
    this.numbers = limits;
    this.ownClock = options.clock;
    this.record = new LimiterRecord(this.name, () => this.clock);
    this.counts = this.record.counts;
    this.access = new Access(options.allow, options.deny, maxKeys);
    this.limitSet = new LimitSet(
      limits.map((limit) => new Limit(limit.name, limit.per, limit.algorithm, limit)),
      maxKeys,
      (key) => this.record.evicted(key),
    );
  }

  get events(): EventSource<RateLimiterEvents> {
    return this.record.events;
  }

  get boundClock(): Clock | undefined {
    return this.ownClock;
  }

  get limits(): readonly CurrentLimit[] {
    return this.numbers.map(({ name, limit, periodMs, burst }) => ({ name, limit, periodMs, burst }));
  }

  adopt(clock: Clock): void {
    this.ownClock ??= clock;
  }

  costsOf(cost: Cost | undefined): Costs {
    return resolveCost(cost, this.limitSet.names);
  }

  feedback(response: ServerResponse, key?: LimiterKey): void {
    const now = this.clock.now();
    const wallTime = this.clock.wallTime();
    const ms = pauseMs(response, wallTime);
    if (ms > 0) {
      this.access.pause(this.limitSet.contestOf(key), now + ms, now);
      this.record.held(key, 'pause', ms);
    }
    followQuotas(this.limitSet, response, key, now, wallTime);
  }

  update(change: Partial<LimitNumbers>, limitName?: string): void {
    const named = indexOfLimit(this.numbers, limitName);
    const before = this.numbers[named]!;
    const after = changedLimit(before, change);
    this.numbers = this.numbers.with(named, after);
    this.limitSet.limits[named]!.update(after, microseconds(this.clock.now()));
    this.record.updated(after, before.limit);
    this.renumbered();
  }

  ban(key: LimiterKey | undefined, durationMs: number): void {
    checkBan(durationMs);
    const now = this.clock.now();
    this.access.ban(key, now + durationMs, now);
    this.record.held(key, 'ban', durationMs);
    this.freed(key);
  }

  penalise(key: LimiterKey | undefined, cost: Cost): void {
    const costs = resolveCharge(cost, this.limitSet.names);
    this.limitSet.charge(key, costs, this.clock.now());
    this.counts.overshoot += Math.max(...this.limitSet.names.map((_, index) => costAt(costs, index)));
  }

  reward(key: LimiterKey | undefined, cost: Cost): void {
    this.limitSet.forgive(key, this.costsOf(cost), this.clock.now());
    this.freed(key);
  }

  reset(key?: LimiterKey): void {
    this.access.lift(key, this.limitSet.contestOf(key));
    this.limitSet.forget(key, this.clock.now());
    this.freed(key);
  }

  /** What `key` may take has changed otherwise than by time. */
  abstract freed(key: LimiterKey | undefined): void;

  /** The numbers of a limit have changed. */
  protected abstract renumbered(): void;

  /** Times of different clocks don't compare, so the first use binds to one. */
  protected get clock(): Clock {
    return (this.ownClock ??= systemClock);
  }

  protected verdict(key: LimiterKey | undefined, now: number): RateLimitDecision | undefined {
    return this.access.verdict(key, this.limitSet.contestOf(key), now);
  }
}
