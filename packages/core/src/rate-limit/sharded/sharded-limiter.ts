/**
 * One limit in several parts, for a key that asks more of a store than one node can answer.
 *
 * A request goes to the one of two random shards that has more left as far as is known (Mitzenmacher's power of two
 * choices), to the other when it is refused, and when neither has enough it is put together from what all have. Each
 * shard is a limit of its own and none knows of the others; their numbers sum to those of the whole exactly, so that
 * together they never let through more than one would.
 */
import type { Clock } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import type { Random } from '../../clock/random.ts';
import type { RateLimitDecision } from '../decision.ts';
import { costTooLarge, rateLimitError } from '../errors.ts';
import { type LimiterKey, wholeKey } from '../keys/limiter-key.ts';
import { checkedWaitMs } from '../request.ts';
import type { RefusedReservation } from '../reservation.ts';
import { sharedRateLimiter } from '../shared/shared-limiter.ts';
import type { SharedRateLimiter, SharedReservation } from '../shared/shared-rate-limiter.ts';
import { KnownShards } from './known-shards.ts';
import { resolveShardedOptions, type ResolvedShardedOptions, type ShardedRateLimiterOptions } from './options.ts';
import type {
  BalanceReport,
  ShardedAcquireOptions,
  ShardedRateLimiter,
  ShardedWaitOptions,
} from './sharded-rate-limiter.ts';

/**
 * Makes a limit in several parts. Worth it only where one key asks more than one node of the store can answer: try leases
 * first, which spare the store as well and need no shards.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function shardedRateLimiter(options: ShardedRateLimiterOptions): ShardedRateLimiter {
  return new Shards(resolveShardedOptions(options), options.clock ?? systemClock);
}

class Shards implements ShardedRateLimiter {
  readonly shards: readonly SharedRateLimiter[];
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly known: KnownShards;
  private readonly largest: readonly number[];
  private readonly admittedCosts: number[];
  private readonly asked: number[];
  private secondChoices = 0;
  private combined = 0;
  private admitted = 0;
  private refused = 0;

  constructor({ shards, maxKeys, random }: ResolvedShardedOptions, clock: Clock) {
    this.shards = shards.map((options) => sharedRateLimiter({ ...options, clock, random }));
    this.clock = clock;
    this.random = random;
    this.known = new KnownShards(shards.length, maxKeys);
    this.largest = this.shards.map(({ limits }) => limits[0]!.burst);
    this.admittedCosts = shards.map(() => 0);
    this.asked = shards.map(() => 0);
  }

  async tryAcquire(key?: LimiterKey, { cost = 1 }: ShardedAcquireOptions = {}): Promise<RateLimitDecision> {
    const decision = await this.take(key, checkedCost(cost));
    if (decision.allowed) this.admitted++;
    else this.refused++;
    return decision;
  }

  async acquire(key?: LimiterKey, options: ShardedWaitOptions = {}): Promise<RateLimitDecision> {
    const cost = checkedCost(options.cost ?? 1);
    const maxWaitMs = checkedWaitMs(options.maxWaitMs);
    const { signal } = options;
    signal?.throwIfAborted();
    const startedAt = this.clock.now();
    const decision = await this.tryAcquire(key, { cost });
    if (decision.allowed) return decision;
    const { limitName } = decision;
    if (decision.oversize) throw costTooLarge(limitName, cost, sum(this.largest));
    const leftMs = Math.max(0, maxWaitMs - (this.clock.now() - startedAt));
    const slots = await this.reserveParts(key, this.partsToWaitFor(wholeKey(key), cost), leftMs);
    if (!Array.isArray(slots)) {
      const { retryAfterMs } = slots;
      throw rateLimitError({ limitName, limitValue: this.limitValue, reason: 'wait', retryAfterMs });
    }
    try {
      await Promise.all(slots.map((slot) => slot.ready(signal)));
    } catch (reason) {
      await Promise.allSettled(slots.map((slot) => slot.cancel()));
      throw reason;
    }
    this.refused--;
    this.admitted++;
    return { ...decision, allowed: true, retryAfterMs: 0, degraded: slots.some(({ degraded }) => degraded) };
  }

  async ban(key: LimiterKey | undefined, durationMs: number): Promise<void> {
    await Promise.all(this.shards.map((shard) => shard.ban(key, durationMs)));
  }

  async reset(key?: LimiterKey): Promise<void> {
    this.known.forget(wholeKey(key));
    await Promise.all(this.shards.map((shard) => shard.reset(key)));
  }

  balance(): BalanceReport {
    const { secondChoices, combined, admitted, refused } = this;
    const total = sum(this.admittedCosts);
    const shards = this.shards.map(({ limits, storeState }, at) => ({
      limit: limits[0]!.limit,
      admittedCost: this.admittedCosts[at]!,
      ratio: total === 0 ? 0 : this.admittedCosts[at]! / total,
      asked: this.asked[at]!,
      storeState,
    }));
    const imbalance = Math.max(...shards.map(({ ratio }) => ratio)) * shards.length;
    return { shards, imbalance, secondChoices, combined, admitted, refused };
  }

  async close(): Promise<void> {
    await Promise.all(this.shards.map((shard) => shard.close()));
  }

  private get limitValue(): number {
    return sum(this.shards.map(({ limits }) => limits[0]!.limit));
  }

  private async take(key: LimiterKey | undefined, cost: number): Promise<RateLimitDecision> {
    const id = wholeKey(key);
    if (cost > sum(this.largest)) return this.refusal(Infinity, true);
    const now = this.clock.now();
    const empty = this.shards.map((_, at) => this.known.dryMs(id, at, 1, now));
    // Nobody is asked where all are known to have nothing at all: only others can have taken more since.
    if (cost > 0 && empty.every((ms) => ms > 0)) return this.refusal(this.waitMs(empty, cost, 0), false);
    const dry = this.shards.map((_, at) => this.known.dryMs(id, at, cost, now));
    const choices = this.twoChoices(id, cost, dry);
    for (const [nth, at] of choices.entries()) {
      const decision = await this.ask(at, key, cost);
      if (decision.limitName === 'ban' || decision.limitName === 'deny-list') return decision;
      if (!decision.allowed) continue;
      if (nth > 0) this.secondChoices++;
      return { ...decision, limitValue: this.limitValue };
    }
    return this.combine(key, cost);
  }

  private async ask(at: number, key: LimiterKey | undefined, cost: number): Promise<RateLimitDecision> {
    this.asked[at]!++;
    const decision = await this.shards[at]!.tryAcquire(key, { cost });
    // A ban says nothing about what is left.
    if (decision.limitName === this.shards[at]!.limits[0]!.name)
      this.known.learn(wholeKey(key), at, cost, decision, this.clock.now());
    if (decision.allowed) this.admittedCosts[at]! += cost;
    return decision;
  }

  /** Two shards at random of those that can have enough, the one with more left first. */
  private twoChoices(id: string | undefined, cost: number, dry: readonly number[]): readonly number[] {
    const able = [...this.shards.keys()].filter((at) => dry[at] === 0 && this.largest[at]! >= cost);
    if (able.length < 2) return able;
    const first = Math.floor(this.random.next() * able.length);
    const second = (first + 1 + Math.floor(this.random.next() * (able.length - 1))) % able.length;
    const [one, other] = [able[first]!, able[second]!];
    return this.known.remaining(id, one) >= this.known.remaining(id, other) ? [one, other] : [other, one];
  }

  /** Takes what each has, most first, until it is enough; and gives all back when it is not. */
  private async combine(key: LimiterKey | undefined, cost: number): Promise<RateLimitDecision> {
    const id = wholeKey(key);
    const looks = await Promise.all(this.shards.map((shard) => shard.check(key)));
    for (const [at, decision] of looks.entries()) this.known.learn(id, at, 1, decision, this.clock.now());
    const left = sum(looks.map(({ remaining }) => remaining));
    if (left < cost) {
      const untilNextMs = looks.map(({ retryAfterMs }) => retryAfterMs);
      return this.refusal(this.waitMs(untilNextMs, cost, left), false);
    }
    const order = [...looks.keys()].toSorted((one, other) => looks[other]!.remaining - looks[one]!.remaining);
    const parts = new Map<number, number>();
    let missing = cost;
    for (const at of order) {
      const part = Math.min(missing, looks[at]!.remaining);
      if (part > 0) parts.set(at, part);
      missing -= part;
    }
    const slots = await this.reserveParts(key, parts, 0);
    if (!Array.isArray(slots)) return this.refusal(slots.retryAfterMs, false);
    if (parts.size > 1) this.combined++;
    else this.secondChoices++;
    const first = looks[order[0]!]!;
    const degraded = slots.some((slot) => slot.degraded);
    return { ...first, allowed: true, retryAfterMs: 0, limitValue: this.limitValue, remaining: left - cost, degraded };
  }

  /** Reserves all parts, or none: then why one could not be. */
  private async reserveParts(
    key: LimiterKey | undefined,
    parts: ReadonlyMap<number, number>,
    maxWaitMs: number,
  ): Promise<SharedReservation[] | RefusedReservation> {
    const all = [...parts];
    const made = await Promise.allSettled(
      all.map(([at, cost]) => this.shards[at]!.reserve(key, { cost, maxWaitMs, expiresMs: GIVEN_BACK_WITHIN_MS })),
    );
    const slots: SharedReservation[] = [];
    let refused: RefusedReservation | undefined;
    let failed: PromiseRejectedResult | undefined;
    for (const each of made) {
      if (each.status === 'rejected') failed ??= each;
      else if (each.value.reserved) slots.push(each.value);
      else refused ??= each.value;
    }
    if (refused === undefined && failed === undefined) {
      for (const [at, cost] of all) this.admittedCosts[at]! += cost;
      return slots;
    }
    await Promise.allSettled(slots.map((slot) => slot.cancel()));
    if (failed !== undefined) throw failed.reason;
    return refused!;
  }

  /** Where to wait: in one shard that takes so much, otherwise in all in proportion to what they take. */
  private partsToWaitFor(id: string | undefined, cost: number): ReadonlyMap<number, number> {
    const now = this.clock.now();
    const able = [...this.shards.keys()].filter((at) => this.largest[at]! >= cost);
    if (able.length > 0) {
      const soonest = able.toSorted(
        (one, other) => this.known.dryMs(id, one, cost, now) - this.known.dryMs(id, other, cost, now),
      );
      return new Map([[soonest[0]!, cost]]);
    }
    const parts = new Map<number, number>();
    let missing = cost;
    const whole = sum(this.largest);
    for (const [at, most] of this.largest.entries()) {
      const part = Math.min(missing, most, Math.ceil((cost * most) / whole));
      if (part > 0) parts.set(at, part);
      missing -= part;
    }
    return parts;
  }

  /** When as much as is missing will have come, at the pace of all together. */
  private waitMs(untilNextMs: readonly number[], cost: number, left: number): number {
    const { periodMs } = this.shards[0]!.limits[0]!;
    return cost === 1 ? Math.min(...untilNextMs) : ((cost - left) * periodMs) / this.limitValue;
  }

  private refusal(retryAfterMs: number, oversize: boolean): RateLimitDecision {
    const { name } = this.shards[0]!.limits[0]!;
    return {
      allowed: false,
      limitName: name,
      limitValue: this.limitValue,
      remaining: 0,
      retryAfterMs,
      resetMs: 0,
      oversize,
      degraded: this.shards.some(({ storeState }) => storeState === 'away'),
      shadow: false,
    };
  }
}

/** Long enough to take all parts back when one is missing. */
const GIVEN_BACK_WITHIN_MS = 10_000;

function checkedCost(cost: number): number {
  if (Number.isSafeInteger(cost) && cost >= 0) return cost;
  throw new RangeError(`the cost of a sharded limit must be an integer of at least 0, not ${cost}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
