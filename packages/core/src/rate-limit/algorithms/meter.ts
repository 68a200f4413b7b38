/**
 * The contract of an algorithm: how one limit counts. A meter knows slots, not keys: a slot holds what one key has taken.
 * Everything is local, synchronous and allocates nothing per decision.
 *
 * Times are whole microseconds of the limiter's clock. A limiter asks `waitUs` of all its limits first and calls `take`
 * only when each has answered 0, so that a refusal by one of them has cost nothing in the others.
 */

/** The slot of requests without a key. */
export const KEYLESS_SLOT = 0;
/** Slots to try things out in: see {@link Meter.copy}. */
export const SCRATCH_SLOTS = [1, 2, 3] as const;
/** The first slot that a key can have. */
export const FIRST_KEY_SLOT = 4;
/** In place of a slot: a key that was never seen, or is as good as that. */
export const NO_SLOT = -1;

/** Slots come in pages of so many, so that no growth ever copies what is there. */
export const PAGE_BITS = 12;
export const SLOTS_PER_PAGE: number = 1 << PAGE_BITS;
export const PAGE_MASK: number = SLOTS_PER_PAGE - 1;

const US_PER_MS = 1_000;
/** A time such as 1234.567 ms must not fall a microsecond short because its double is a hair below. */
const CLOCK_TOLERANCE_US = 1 / 64;

/** A reading of the clock in whole microseconds, rounded down. */
export function microseconds(nowMs: number): number {
  return Math.floor(nowMs * US_PER_MS + CLOCK_TOLERANCE_US);
}

/** What a limit promises. */
export interface MeterSettings {
  /** What a period allows. */
  readonly limit: number;
  /** How long a period is, in milliseconds; a fraction is rounded to whole microseconds. */
  readonly periodMs: number;
  /** How much may come at once: read by GCRA alone. */
  readonly burst: number;
  /** Whether the burst is spent from the limit: read by GCRA alone. */
  readonly strict: boolean;
}

/** How one limit counts. */
export interface Meter {
  /** What a period allows. */
  readonly limitValue: number;
  /** The largest cost that can ever be taken at once. */
  readonly maxCost: number;
  /** True when giving back what one take took moves the marks of those that came after it by the same amount. */
  readonly marksMove: boolean;

  /** After how many microseconds `cost` fits: 0 when it fits now, Infinity when it never does. Changes nothing. */
  waitUs(slot: number, cost: number, nowUs: number): number;
  /** Takes `cost`, whether it fits or not; what is above the limit is a debt that time pays. */
  take(slot: number, cost: number, nowUs: number): void;
  /** Where the last take of `slot` stands, for {@link Meter.give}. */
  mark(slot: number): number;
  /**
   * Gives back what a take has taken, as far as time has not given it back already.
   *
   * @param mark What {@link Meter.mark} said after that take.
   * @returns How far that moves the marks of later takes, where they move.
   */
  give(slot: number, cost: number, mark: number, nowUs: number): number;
  /** Takes a debt away without asking whose: at most all of it. */
  forgive(slot: number, cost: number, nowUs: number): void;
  /** How much fits now: a whole number of at least 0. */
  remaining(slot: number, nowUs: number): number;
  /** In how many microseconds the slot is fresh, when nobody takes anything. */
  resetUs(slot: number, nowUs: number): number;
  /**
   * All at once, for the decision that happens a million times a second: says what `waitUs` says, takes `cost` where it
   * fits and `commit` wants it, and leaves in `left` and `freshInUs` what `remaining` and `resetUs` say after that.
   *
   * @param slot One that is there, if `commit`.
   */
  assess(slot: number, cost: number, nowUs: number, commit: boolean): number;
  /** What the last {@link Meter.assess} has found to remain. */
  readonly left: number;
  /** What the last {@link Meter.assess} has found to be the time until all is fresh. */
  readonly freshInUs: number;
  /** After how many microseconds `cost` is through when it is the sum of many requests, one after the other. */
  drainUs(slot: number, cost: number, nowUs: number): number;

  /** Makes `to` hold what `from` holds; NO_SLOT is a fresh one. */
  copy(from: number, to: number): void;
  /** Makes the slot fresh. */
  clear(slot: number): void;
  /** Makes room for another page of slots. */
  addPage(): void;
  /**
   * Goes on with other numbers. What was taken stays taken.
   *
   * @returns Where a take stands now, from where it stood before: see {@link Meter.mark}.
   */
  update(settings: MeterSettings, nowUs: number): (mark: number) => number;
}

/** What {@link Meter.update} gives where marks stay what they are. */
export const unmoved = (mark: number): number => mark;

/** A meter that assesses step by step. */
export abstract class SteppedMeter {
  left = 0;
  freshInUs = 0;

  abstract waitUs(slot: number, cost: number, nowUs: number): number;
  abstract take(slot: number, cost: number, nowUs: number): void;
  abstract remaining(slot: number, nowUs: number): number;
  abstract resetUs(slot: number, nowUs: number): number;

  assess(slot: number, cost: number, nowUs: number, commit: boolean): number {
    const waitUs = this.waitUs(slot, cost, nowUs);
    if (commit && waitUs === 0 && cost > 0) this.take(slot, cost, nowUs);
    this.left = this.remaining(slot, nowUs);
    this.freshInUs = this.resetUs(slot, nowUs);
    return waitUs;
  }
}

/** An algorithm, as a value to give to a limiter. */
export interface LimitAlgorithm {
  /** Its name: `gcra`. */
  readonly kind: string;
  /** Whether it has a burst apart from its limit. */
  readonly hasBurst: boolean;
  /** @internal */
  createMeter(settings: MeterSettings): Meter;
}

/** Rows of numbers for slots, in pages. */
export class SlotColumns {
  /** The numbers of each slot stand side by side: those of slot s begin at (s & PAGE_MASK) · width. */
  readonly pages: Float64Array[] = [];
  private readonly width: number;
  private readonly empty: number;

  /** @param empty What stands in the columns of a fresh slot. */
  constructor(width: number, empty: number) {
    this.width = width;
    this.empty = empty;
    this.addPage();
  }

  addPage(): void {
    this.pages.push(new Float64Array(SLOTS_PER_PAGE * this.width).fill(this.empty));
  }

  copy(from: number, to: number): void {
    for (let column = 0; column < this.width; column++) this.set(to, column, this.get(from, column));
  }

  get(slot: number, column: number): number {
    return this.pages[slot >> PAGE_BITS]![(slot & PAGE_MASK) * this.width + column]!;
  }

  set(slot: number, column: number, value: number): void {
    this.pages[slot >> PAGE_BITS]![(slot & PAGE_MASK) * this.width + column] = value;
  }

  clear(slot: number): void {
    const at = (slot & PAGE_MASK) * this.width;
    this.pages[slot >> PAGE_BITS]!.fill(this.empty, at, at + this.width);
  }
}
