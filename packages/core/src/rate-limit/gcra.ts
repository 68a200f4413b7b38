/**
 * The generic cell rate algorithm (ITU-T I.371), whose other name is token bucket.
 *
 * Each key has one number, its theoretical arrival time `tat`: when everything that was taken so far is paid for. A
 * request of cost c moves it to t' = max(tat, now) + c·T with T = period / limit, and fits when t' is at most
 * τ = burst·T ahead of now. If it doesn't fit nothing changes, and it will fit after t' − now − τ. So every window of
 * one period admits at most burst + limit: c·T each, starting at most τ behind and ending at most a period later.
 * `strict` spends the burst from the limit: T = period / (limit − burst), so that no window exceeds the limit.
 *
 * Arithmetic is exact. A time is whole microseconds plus a number of `rate`-ths of one, so that T, which is seldom a
 * whole number of anything, is added without rounding: T = `stepUs` + `stepRest` / rate. The clock alone is rounded,
 * down to a microsecond, which can make a wait up to 1 µs longer and a window up to 1 µs wider (a clock in milliseconds
 * tells microseconds apart for three years after its origin). Costs that are no integers are as exact as their binary
 * fraction.
 */
import type { LimitAlgorithm } from './algorithm.ts';
import type { RateLimitDecision } from './decision.ts';
import { KeyTable, type SlotOwner } from './key-table.ts';

const US_PER_MS = 1_000;
/** A time such as 1234.567 ms must not fall a microsecond short because its double is a hair below. */
const CLOCK_TOLERANCE_US = 1 / 64;
/** Slot 0 belongs to requests without a key. */
const KEYLESS = 0;

/** What a {@link Gcra} counts by. */
export interface GcraOptions {
  readonly name: string;
  readonly limit: number;
  readonly periodMs: number;
  readonly burst: number;
  readonly strict: boolean;
  readonly maxKeys: number;
}

export class Gcra implements LimitAlgorithm, SlotOwner {
  readonly limitValue: number;
  readonly maxCost: number;
  readonly #name: string;
  readonly #rate: number;
  readonly #stepUs: number;
  readonly #stepRest: number;
  readonly #toleranceUs: number;
  readonly #toleranceRest: number;
  readonly #costPerUs: number;
  readonly #usPerRest: number;
  readonly #table: KeyTable;
  /** Whole microseconds of each slot's tat, and what is left of it in rate-ths of a microsecond. */
  #tatUs: Float64Array = new Float64Array(1).fill(-Infinity);
  #tatRest: Float64Array = new Float64Array(1);

  constructor(options: GcraOptions) {
    const periodUs = Math.round(options.periodMs * US_PER_MS);
    this.#name = options.name;
    this.limitValue = options.limit;
    this.maxCost = options.burst;
    this.#rate = options.strict ? options.limit - options.burst : options.limit;
    this.#stepUs = Math.floor(periodUs / this.#rate);
    this.#stepRest = periodUs % this.#rate;
    const rest = options.burst * this.#stepRest;
    this.#toleranceUs = options.burst * this.#stepUs + Math.floor(rest / this.#rate);
    this.#toleranceRest = rest % this.#rate;
    this.#costPerUs = this.#rate / periodUs;
    this.#usPerRest = 1 / this.#rate;
    this.#table = new KeyTable(this, options.maxKeys);
  }

  get keys(): number {
    return this.#table.size;
  }

  decide(key: string | undefined, cost: number, nowMs: number, commit: boolean): RateLimitDecision {
    const now = Math.floor(nowMs * US_PER_MS + CLOCK_TOLERANCE_US);
    const slot = key === undefined ? KEYLESS : this.#slotOf(key);
    let tat = slot === undefined ? now : this.#tatUs[slot]!;
    let rest = slot === undefined ? 0 : this.#tatRest[slot]!;
    if (tat < now) {
      tat = now;
      rest = 0;
    }
    if (cost > this.maxCost) return this.#decision(false, tat - now, rest, Infinity, true);
    let nextTat = tat + cost * this.#stepUs;
    let nextRest = rest + cost * this.#stepRest;
    if (nextRest >= this.#rate || !Number.isInteger(nextTat)) {
      const whole = Math.floor(nextTat);
      const carried = nextRest + (nextTat - whole) * this.#rate;
      const carry = Math.floor(carried / this.#rate);
      nextTat = whole + carry;
      nextRest = carried - carry * this.#rate;
    }
    const excess = nextTat - now - this.#toleranceUs;
    const over = nextRest > this.#toleranceRest;
    if (excess > 0 || (excess === 0 && over)) {
      // Counted from the time as it was read: added to that it is the very microsecond at which the request fits.
      const fitsAt = (now + (over ? excess + 1 : excess)) / US_PER_MS;
      return this.#decision(false, tat - now, rest, fitsAt - nowMs, false);
    }
    if (!commit) return this.#decision(true, tat - now, rest, 0, false);
    if (cost > 0) this.#store(slot ?? this.#add(key!, now), nextTat, nextRest);
    return this.#decision(true, nextTat - now, nextRest, 0, false);
  }

  waitMs(key: string | undefined, cost: number, nowMs: number): number {
    const slot = key === undefined ? KEYLESS : this.#slotOf(key);
    const now = nowMs * US_PER_MS;
    const ahead = slot === undefined ? 0 : Math.max(0, this.#tatUs[slot]! + this.#tatRest[slot]! / this.#rate - now);
    const needed = cost * (this.#stepUs + this.#stepRest / this.#rate);
    const tolerance = this.#toleranceUs + this.#toleranceRest / this.#rate;
    return Math.max(0, ahead + needed - tolerance) / US_PER_MS;
  }

  forget(key: string | undefined): void {
    if (key === undefined) this.#store(KEYLESS, -Infinity, 0);
    else this.#table.drop(key);
  }

  // --- what the table of keys asks; its slots begin behind the keyless one ---

  busyUntil(slot: number): number {
    return this.#tatUs[slot + 1]! + (this.#tatRest[slot + 1]! > 0 ? 1 : 0);
  }

  throttled(slot: number, now: number): boolean {
    return this.#tatUs[slot + 1]! + this.#stepUs - now > this.#toleranceUs;
  }

  clear(slot: number): void {
    this.#tatUs[slot + 1] = -Infinity;
    this.#tatRest[slot + 1] = 0;
  }

  grow(slots: number): void {
    const tatUs = new Float64Array(slots + 1).fill(-Infinity);
    const tatRest = new Float64Array(slots + 1);
    tatUs.set(this.#tatUs);
    tatRest.set(this.#tatRest);
    this.#tatUs = tatUs;
    this.#tatRest = tatRest;
  }

  #slotOf(key: string): number | undefined {
    const slot = this.#table.find(key);
    return slot === undefined ? undefined : slot + 1;
  }

  #add(key: string, now: number): number {
    return this.#table.add(key, now) + 1;
  }

  #store(slot: number, tatUs: number, tatRest: number): void {
    this.#tatUs[slot] = tatUs;
    this.#tatRest[slot] = tatRest;
  }

  #decision(
    allowed: boolean,
    aheadUs: number,
    rest: number,
    retryAfterMs: number,
    oversize: boolean,
  ): RateLimitDecision {
    const resetUs = aheadUs + rest * this.#usPerRest;
    return {
      allowed,
      limitName: this.#name,
      limitValue: this.limitValue,
      remaining: this.#remaining(aheadUs, rest, resetUs),
      retryAfterMs,
      resetMs: resetUs / US_PER_MS,
      oversize,
      degraded: false,
      shadow: false,
    };
  }

  /** How much fits. The quotient may be a hair off a whole number, so the whole number is tried. */
  #remaining(aheadUs: number, rest: number, resetUs: number): number {
    const estimate = Math.floor(this.maxCost - resetUs * this.#costPerUs + this.maxCost * 1e-12);
    if (estimate <= 0) return 0;
    const slackUs = this.#toleranceUs - aheadUs - estimate * this.#stepUs;
    const slackRest = this.#toleranceRest - rest - estimate * this.#stepRest;
    return slackUs + slackRest / this.#rate >= 0 ? estimate : estimate - 1;
  }
}
