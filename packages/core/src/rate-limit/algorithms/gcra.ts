/**
 * The generic cell rate algorithm (ITU-T I.371), whose other name is token bucket.
 *
 * Each key has one number, its theoretical arrival time `tat`: when everything that was taken so far is paid for. A
 * request of cost c moves it to t' = max(tat, now) + c·T with T = period / limit, and fits when t' is at most
 * τ = burst·T ahead of now. If it doesn't fit nothing changes, and it will fit after t' − now − τ. So every window of
 * one period admits at most burst + limit: c·T each, starting at most τ behind and ending at most a period later.
 * `strict` spends the burst from the limit: T = period / (limit − burst), so that no window exceeds the limit.
 *
 * What a take took stands on the line of time as the interval of length c·T before its mark, the tat that it left. Time
 * pays for it as it passes over that interval, so what can be given back is the part that still lies ahead; giving it
 * back moves all that stands behind it forward by as much.
 *
 * Arithmetic is exact. A time is whole microseconds plus a number of `rate`-ths of one, so that T, which is seldom a
 * whole number of anything, is added without rounding: T = `stepUs` + `stepRest` / rate. The clock alone is rounded,
 * down to a microsecond, which can make a wait up to 1 µs longer and a window up to 1 µs wider (a clock in milliseconds
 * tells microseconds apart for three years after its origin). Costs that are no integers are as exact as their binary
 * fraction.
 *
 * Counted in `rate`-ths of a microsecond all is whole: T is the period in microseconds, τ is burst times that, and how
 * far a tat lies ahead needs one multiplication. Where τ is a safe integer, as it is in all but the longest periods with
 * the largest bursts, the usual decision is made in these units: quotients of integers below 2^53 are never rounded up
 * to the next whole number, so there is nothing to be in doubt about.
 */
import {
  type LimitAlgorithm,
  type Meter,
  type MeterSettings,
  NO_SLOT,
  PAGE_BITS,
  PAGE_MASK,
  SlotColumns,
} from './meter.ts';

const TAT_US = 0;
const TAT_REST = 1;
const LARGEST_INT_32 = 2_147_483_647;

/** Token bucket, exact to the microsecond: a steady rate, and a burst after a pause. The default. */
export const gcra: LimitAlgorithm = Object.freeze({
  kind: 'gcra',
  hasBurst: true,
  createMeter: (settings: MeterSettings) => new GcraMeter(settings),
});

class GcraMeter implements Meter {
  readonly marksMove = true;
  limitValue!: number;
  left = 0;
  freshInUs = 0;
  maxCost!: number;
  private rate!: number;
  private intervalUs!: number;
  /** Reciprocals: a division costs several times a multiplication. */
  private costPerUs!: number;
  private usPerRest!: number;
  /** How near a quotient must be to a whole number to be in doubt. */
  private doubtful!: number;
  private stepUs!: number;
  private stepRest!: number;
  private toleranceUs!: number;
  private toleranceRest!: number;
  private periodUs!: number;
  /** τ in `rate`-ths of a microsecond; −1, which nothing fits into, where that is too large to count with. */
  private toleranceRests!: number;
  private readonly columns: SlotColumns = new SlotColumns(2, -Infinity);
  /** The pages of the columns: read on every decision. */
  private readonly pages: readonly Float64Array[] = this.columns.pages;
  /** What the last addition has come to. */
  private nextUs = 0;
  private nextRest = 0;

  constructor(settings: MeterSettings) {
    this.setRate(settings);
  }

  waitUs(slot: number, cost: number, nowUs: number): number {
    if (cost > this.maxCost) return Infinity;
    this.advance(slot, cost, nowUs);
    const excess = this.nextUs - nowUs - this.toleranceUs;
    if (excess < 0) return 0;
    return this.nextRest > this.toleranceRest ? excess + 1 : excess;
  }

  assess(slot: number, cost: number, nowUs: number, commit: boolean): number {
    const { rate, toleranceRests } = this;
    if (!commit || !Number.isInteger(cost)) return this.assessInFull(slot, cost, nowUs, commit);
    const page = this.pages[slot >> PAGE_BITS]!;
    const at = (slot & PAGE_MASK) << 1;
    const isAhead = page[at]! >= nowUs;
    const us = (isAhead ? page[at]! : nowUs) + cost * this.stepUs;
    const rest = (isAhead ? page[at + 1]! : 0) + cost * this.stepRest;
    const aheadRests = (us - nowUs) * rate + rest;
    if (aheadRests > toleranceRests || rest >= rate) return this.assessInFull(slot, cost, nowUs, true);
    page[at] = us;
    page[at + 1] = rest;
    this.freshInUs = aheadRests * this.usPerRest;
    // Below 2^31, as `setRate` sees to: the compiler then needs no rounding.
    this.left = ((toleranceRests - aheadRests) / this.periodUs) | 0;
    return 0;
  }

  take(slot: number, cost: number, nowUs: number): void {
    this.advance(slot, cost, nowUs);
    this.store(slot, this.nextUs, this.nextRest);
  }

  mark(slot: number): number {
    return this.columns.get(slot, TAT_US) + this.columns.get(slot, TAT_REST) / this.rate;
  }

  give(slot: number, cost: number, mark: number, nowUs: number): number {
    const aheadUs = Math.min(mark, this.mark(slot)) - nowUs;
    const wholeUs = cost * this.intervalUs;
    if (aheadUs <= 0) return 0;
    // A mark is a double: it may be a hair off, which must not cost anybody the last billionth.
    if (aheadUs < wholeUs * (1 - 1e-12)) return this.giveUs(slot, aheadUs);
    this.addExactly(this.columns.get(slot, TAT_US), this.columns.get(slot, TAT_REST), -cost);
    this.store(slot, this.nextUs, this.nextRest);
    return wholeUs;
  }

  forgive(slot: number, cost: number, nowUs: number): void {
    this.give(slot, cost, Infinity, nowUs);
  }

  remaining(slot: number, nowUs: number): number {
    const tatUs = slot === NO_SLOT ? -Infinity : this.columns.get(slot, TAT_US);
    if (tatUs < nowUs) return this.maxCost;
    return this.fitting(this.resetUs(slot, nowUs), tatUs - nowUs, this.columns.get(slot, TAT_REST));
  }

  resetUs(slot: number, nowUs: number): number {
    if (slot === NO_SLOT) return 0;
    const page = this.pages[slot >> PAGE_BITS]!;
    const at = (slot & PAGE_MASK) << 1;
    const aheadUs = page[at]! - nowUs;
    return aheadUs < 0 ? 0 : aheadUs + page[at + 1]! * this.usPerRest;
  }

  drainUs(slot: number, cost: number, nowUs: number): number {
    const needed = this.resetUs(slot, nowUs) + cost * this.intervalUs;
    return Math.max(0, needed - this.toleranceUs - this.toleranceRest / this.rate);
  }

  copy(from: number, to: number): void {
    if (from === NO_SLOT) this.clear(to);
    else this.columns.copy(from, to);
  }

  clear(slot: number): void {
    this.columns.clear(slot);
  }

  addPage(): void {
    this.columns.addPage();
  }

  update(settings: MeterSettings, nowUs: number): (mark: number) => number {
    const { intervalUs: oldIntervalUs, usPerRest: oldUsPerRest } = this;
    this.setRate(settings);
    const factor = this.intervalUs / oldIntervalUs;
    for (const page of this.pages) {
      for (let at = 0; at < page.length; at += 2) {
        const ahead = page[at]! - nowUs;
        if (ahead < 0) continue;
        // Rounded up to a whole microsecond, once, in disfavour of who has taken.
        page[at] = nowUs + Math.ceil((ahead + page[at + 1]! * oldUsPerRest) * factor);
        page[at + 1] = 0;
      }
    }
    return (mark) => (mark <= nowUs ? mark : nowUs + (mark - nowUs) * factor);
  }

  private setRate({ limit, periodMs, burst, strict }: MeterSettings): void {
    const periodUs = Math.round(periodMs * 1_000);
    this.limitValue = limit;
    this.maxCost = burst;
    this.rate = strict ? limit - burst : limit;
    this.intervalUs = periodUs / this.rate;
    this.costPerUs = this.rate / periodUs;
    this.usPerRest = 1 / this.rate;
    this.doubtful = burst * 1e-12;
    this.stepUs = Math.floor(periodUs / this.rate);
    this.stepRest = periodUs % this.rate;
    const rest = burst * this.stepRest;
    this.toleranceUs = burst * this.stepUs + Math.floor(rest / this.rate);
    this.toleranceRest = rest % this.rate;
    this.periodUs = periodUs;
    const isCountable = Number.isSafeInteger(burst * periodUs) && burst <= LARGEST_INT_32;
    this.toleranceRests = isCountable ? burst * periodUs : -1;
  }

  /** Says what {@link assess} says, of any cost, whether it fits or not. */
  private assessInFull(slot: number, cost: number, nowUs: number, commit: boolean): number {
    let tatUs = nowUs;
    let tatRest = 0;
    let page: Float64Array | undefined;
    const at = (slot & PAGE_MASK) << 1;
    if (slot !== NO_SLOT) {
      page = this.pages[slot >> PAGE_BITS]!;
      if (page[at]! >= nowUs) {
        tatUs = page[at]!;
        tatRest = page[at + 1]!;
      }
    }
    let waitUs = Infinity;
    if (cost <= this.maxCost) {
      let us = tatUs + cost * this.stepUs;
      let rest = tatRest + cost * this.stepRest;
      if (rest >= this.rate || !Number.isInteger(us)) {
        this.carry(us, rest);
        us = this.nextUs;
        rest = this.nextRest;
      }
      const excess = us - nowUs - this.toleranceUs;
      waitUs = excess < 0 ? 0 : rest > this.toleranceRest ? excess + 1 : excess;
      if (commit && waitUs === 0) {
        page![at] = tatUs = us;
        page![at + 1] = tatRest = rest;
      }
    }
    const freshUs = tatUs - nowUs + tatRest * this.usPerRest;
    this.freshInUs = freshUs;
    this.left = freshUs === 0 ? this.maxCost : this.fitting(freshUs, tatUs - nowUs, tatRest);
    return waitUs;
  }

  /** Leaves in `nextUs` and `nextRest` where a take would move the slot's tat. */
  private advance(slot: number, cost: number, nowUs: number): void {
    if (slot !== NO_SLOT) {
      const page = this.pages[slot >> PAGE_BITS]!;
      const at = (slot & PAGE_MASK) << 1;
      const tatUs = page[at]!;
      if (tatUs >= nowUs) return this.addExactly(tatUs, page[at + 1]!, cost);
    }
    this.addExactly(nowUs, 0, cost);
  }

  private addExactly(tatUs: number, tatRest: number, cost: number): void {
    const us = tatUs + cost * this.stepUs;
    const rest = tatRest + cost * this.stepRest;
    if (rest >= this.rate || rest < 0 || !Number.isInteger(us)) return this.carry(us, rest);
    this.nextUs = us;
    this.nextRest = rest;
  }

  /** Makes the microseconds whole and the rest less than one. */
  private carry(us: number, rest: number): void {
    const whole = Math.floor(us);
    const carried = rest + (us - whole) * this.rate;
    const carry = Math.floor(carried / this.rate);
    this.nextUs = whole + carry;
    this.nextRest = carried - carry * this.rate;
  }

  /** How much fits when the tat lies so far ahead, `rest` included in `freshUs`. */
  private fitting(freshUs: number, aheadUs: number, rest: number): number {
    const fits = this.maxCost - freshUs * this.costPerUs;
    const whole = Math.floor(fits);
    const fraction = fits - whole;
    if (fraction > this.doubtful && 1 - fraction > this.doubtful) return whole < 0 ? 0 : whole;
    // So near to a whole number that rounding decides: then that number is tried.
    const nearest = fraction > 0.5 ? whole + 1 : whole;
    if (nearest <= 0) return 0;
    const slackUs = this.toleranceUs - aheadUs - nearest * this.stepUs;
    const slackRest = this.toleranceRest - rest - nearest * this.stepRest;
    return slackUs * this.rate + slackRest >= 0 ? nearest : nearest - 1;
  }

  private giveUs(slot: number, us: number): number {
    const left = this.mark(slot) - us;
    const whole = Math.floor(left);
    this.store(slot, whole, (left - whole) * this.rate);
    return us;
  }

  private store(slot: number, us: number, rest: number): void {
    const page = this.pages[slot >> PAGE_BITS]!;
    const at = (slot & PAGE_MASK) << 1;
    page[at] = us;
    page[at + 1] = rest;
  }
}
