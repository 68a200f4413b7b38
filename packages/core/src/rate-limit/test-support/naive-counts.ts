/** What the algorithms count, by their definitions and as plainly as can be: times are whole microseconds, and all is exact. */

/** One key under one limit of a second. */
export interface NaiveCount {
  fits(cost: number, atUs: number): boolean;
  /** Takes `cost`, whether it fits or not. */
  take(cost: number, atUs: number): void;
  /** Takes up to `cost` off what was taken. */
  forgive(cost: number, atUs: number): void;
  changeLimit(limit: number, atUs: number): void;
}

const PERIOD_US = 1_000_000;

/** A bucket that empties by one every interval. Limits are such that an interval is a whole number of microseconds. */
class Bucket implements NaiveCount {
  private emptyAtUs = -Infinity;
  private intervalUs: number;
  private readonly burst: number;

  constructor(limit: number, burst: number) {
    this.intervalUs = PERIOD_US / limit;
    this.burst = burst;
  }

  fits(cost: number, atUs: number): boolean {
    const wouldBeEmptyAtUs = Math.max(this.emptyAtUs, atUs) + cost * this.intervalUs;
    return cost <= this.burst && wouldBeEmptyAtUs - atUs <= this.burst * this.intervalUs;
  }

  take(cost: number, atUs: number): void {
    this.emptyAtUs = Math.max(this.emptyAtUs, atUs) + cost * this.intervalUs;
  }

  forgive(cost: number, atUs: number): void {
    this.emptyAtUs = Math.max(atUs, this.emptyAtUs - cost * this.intervalUs);
  }

  /** What was taken stays taken: as many intervals as before, of the new length. */
  changeLimit(limit: number, atUs: number): void {
    const before = this.intervalUs;
    this.intervalUs = PERIOD_US / limit;
    if (this.emptyAtUs > atUs) this.emptyAtUs = atUs + Math.ceil(((this.emptyAtUs - atUs) / before) * this.intervalUs);
  }
}

/** Everything that was ever taken, and when. */
class Log implements NaiveCount {
  private readonly taken: { readonly atUs: number; cost: number }[] = [];
  private limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  fits(cost: number, atUs: number): boolean {
    const counted = this.taken.filter((each) => each.atUs > atUs - PERIOD_US);
    return counted.reduce((sum, each) => sum + each.cost, 0) + cost <= this.limit;
  }

  take(cost: number, atUs: number): void {
    this.taken.push({ atUs, cost });
  }

  forgive(cost: number, atUs: number): void {
    let left = cost;
    for (const each of this.taken.toReversed()) {
      if (each.atUs <= atUs - PERIOD_US) return;
      const less = Math.min(left, each.cost);
      each.cost -= less;
      left -= less;
    }
  }

  changeLimit(limit: number): void {
    this.limit = limit;
  }
}

const windowOf = (atUs: number): number => Math.floor(atUs / PERIOD_US);

/** What each second has taken. */
abstract class Windows implements NaiveCount {
  protected readonly taken: Map<number, number> = new Map();
  protected limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  abstract fits(cost: number, atUs: number): boolean;
  abstract forgive(cost: number, atUs: number): void;

  take(cost: number, atUs: number): void {
    this.taken.set(windowOf(atUs), this.of(windowOf(atUs)) + cost);
  }

  changeLimit(limit: number): void {
    this.limit = limit;
  }

  protected of(window: number): number {
    return this.taken.get(window) ?? 0;
  }

  protected lessen(window: number, cost: number): number {
    const less = Math.min(cost, this.of(window));
    this.taken.set(window, this.of(window) - less);
    return cost - less;
  }
}

class OneWindow extends Windows {
  override fits(cost: number, atUs: number): boolean {
    return this.of(windowOf(atUs)) + cost <= this.limit;
  }

  override forgive(cost: number, atUs: number): void {
    this.lessen(windowOf(atUs), cost);
  }
}

/** Of the second before as much counts as still overlaps the one that ends now. */
class TwoWindows extends Windows {
  override fits(cost: number, atUs: number): boolean {
    const window = windowOf(atUs);
    const overlapUs = (window + 1) * PERIOD_US - atUs;
    const present = this.of(window) + cost;
    return present * PERIOD_US + this.of(window - 1) * overlapUs <= this.limit * PERIOD_US;
  }

  override forgive(cost: number, atUs: number): void {
    this.lessen(windowOf(atUs) - 1, this.lessen(windowOf(atUs), cost));
  }
}

/** By the kind of the algorithm: a count of a key that was never seen. */
export const naiveCounts: Readonly<Record<string, (limit: number, burst: number) => NaiveCount>> = {
  gcra: (limit, burst) => new Bucket(limit, burst),
  'sliding-log': (limit) => new Log(limit),
  'sliding-window': (limit) => new TwoWindows(limit),
  'fixed-window': (limit) => new OneWindow(limit),
};
