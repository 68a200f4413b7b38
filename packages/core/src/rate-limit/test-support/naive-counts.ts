/** What the algorithms count, by their definitions and as plainly as can be: times are whole microseconds, and all is exact. */

/** The numbers that a limit goes by. */
export interface NaiveNumbers {
  readonly limit: number;
  readonly periodUs: number;
}

/** What was taken at one time. */
export interface NaiveTake {
  atUs: number;
  cost: number;
}

/** One key under one limit. */
export interface NaiveCount {
  /** The largest cost that ever fits. */
  readonly maxCost: number;
  fits(cost: number, atUs: number): boolean;
  /** Takes `cost`, whether it fits or not. */
  take(cost: number, atUs: number): NaiveTake;
  /** Gives back up to `cost` of a take, as far as time has not. */
  giveBack(take: NaiveTake, cost: number, atUs: number): void;
  /** Takes up to `cost` off what was taken, whoever took it. */
  forgive(cost: number, atUs: number): void;
  /** What counts at this moment counts on. */
  change(numbers: NaiveNumbers, atUs: number): void;
}

interface Poured extends NaiveTake {
  /** When time has paid for it and for all before it. */
  paidAtUs: number;
}

/** A bucket that empties by one every interval. Limits are such that an interval is a whole number of microseconds. */
class Bucket implements NaiveCount {
  readonly maxCost: number;
  private emptyAtUs = -Infinity;
  private intervalUs: number;
  private poured: Poured[] = [];

  constructor({ limit, periodUs }: NaiveNumbers, burst: number) {
    this.intervalUs = periodUs / limit;
    this.maxCost = burst;
  }

  fits(cost: number, atUs: number): boolean {
    const wouldBeEmptyAtUs = Math.max(this.emptyAtUs, atUs) + cost * this.intervalUs;
    return cost <= this.maxCost && wouldBeEmptyAtUs - atUs <= this.maxCost * this.intervalUs;
  }

  take(cost: number, atUs: number): NaiveTake {
    this.emptyAtUs = Math.max(this.emptyAtUs, atUs) + cost * this.intervalUs;
    const take = { atUs, cost, paidAtUs: this.emptyAtUs };
    this.poured.push(take);
    return take;
  }

  giveBack(take: NaiveTake, cost: number, atUs: number): void {
    const place = this.poured.indexOf(take as Poured);
    const unpaidUs = this.poured[place]!.paidAtUs - atUs;
    const backUs = Math.max(0, Math.min(cost * this.intervalUs, unpaidUs));
    for (const later of this.poured.slice(place)) later.paidAtUs -= backUs;
    this.emptyAtUs -= backUs;
  }

  forgive(cost: number, atUs: number): void {
    this.emptyAtUs = Math.max(atUs, this.emptyAtUs - cost * this.intervalUs);
    for (const each of this.poured) each.paidAtUs = Math.min(each.paidAtUs, this.emptyAtUs);
  }

  /** As many intervals as before, of the new length. */
  change({ limit, periodUs }: NaiveNumbers, atUs: number): void {
    const factor = periodUs / limit / this.intervalUs;
    this.intervalUs = periodUs / limit;
    for (const each of this.poured) if (each.paidAtUs > atUs) each.paidAtUs = atUs + (each.paidAtUs - atUs) * factor;
    if (this.emptyAtUs > atUs) this.emptyAtUs = atUs + Math.ceil((this.emptyAtUs - atUs) * factor);
  }
}

/** Everything that was ever taken, and when. */
abstract class Taken implements NaiveCount {
  protected numbers: NaiveNumbers;
  protected taken: NaiveTake[] = [];

  constructor(numbers: NaiveNumbers) {
    this.numbers = numbers;
  }

  get maxCost(): number {
    return this.numbers.limit;
  }

  abstract fits(cost: number, atUs: number): boolean;
  abstract change(numbers: NaiveNumbers, atUs: number): void;
  /** Whether something that was taken then counts at `atUs`, so that it can be given back. */
  protected abstract counts(take: NaiveTake, atUs: number): boolean;

  take(cost: number, atUs: number): NaiveTake {
    const take = { atUs, cost };
    this.taken.push(take);
    return take;
  }

  giveBack(take: NaiveTake, cost: number, atUs: number): void {
    if (this.taken.includes(take) && this.counts(take, atUs)) take.cost -= Math.min(take.cost, cost);
  }

  /** The latest first. */
  forgive(cost: number, atUs: number): void {
    let left = cost;
    for (const take of this.taken.toReversed()) {
      if (!this.counts(take, atUs)) return;
      const less = Math.min(left, take.cost);
      take.cost -= less;
      left -= less;
    }
  }

  protected sum(isMeant: (take: NaiveTake) => boolean): number {
    return this.taken.filter(isMeant).reduce((total, { cost }) => total + cost, 0);
  }
}

class Log extends Taken {
  override fits(cost: number, atUs: number): boolean {
    return this.sum((take) => this.counts(take, atUs)) + cost <= this.numbers.limit;
  }

  override change(numbers: NaiveNumbers, atUs: number): void {
    this.taken = this.taken.filter((take) => this.counts(take, atUs));
    this.numbers = numbers;
  }

  protected override counts(take: NaiveTake, atUs: number): boolean {
    return take.atUs > atUs - this.numbers.periodUs;
  }
}

/** What each window has taken. With a period of another length, what counts then counts in the window that it becomes. */
abstract class Windows extends Taken {
  protected windowOf(atUs: number): number {
    return Math.floor(atUs / this.numbers.periodUs);
  }

  protected inWindow(window: number): number {
    return this.sum((take) => this.windowOf(take.atUs) === window);
  }

  /** What was taken in the present window is in the new one, as if it were taken now. */
  protected moveTo(numbers: NaiveNumbers, atUs: number): void {
    const window = this.windowOf(atUs);
    this.taken = this.taken.filter((take) => this.windowOf(take.atUs) === window);
    for (const take of this.taken) take.atUs = atUs;
    this.numbers = numbers;
  }
}

class OneWindow extends Windows {
  override fits(cost: number, atUs: number): boolean {
    return this.inWindow(this.windowOf(atUs)) + cost <= this.numbers.limit;
  }

  override change(numbers: NaiveNumbers, atUs: number): void {
    this.moveTo(numbers, atUs);
  }

  protected override counts(take: NaiveTake, atUs: number): boolean {
    return this.windowOf(take.atUs) === this.windowOf(atUs);
  }
}

/** Of the window before as much counts as still overlaps the period that ends now. */
class TwoWindows extends Windows {
  override fits(cost: number, atUs: number): boolean {
    const { limit, periodUs } = this.numbers;
    return (this.inWindow(this.windowOf(atUs)) + cost) * periodUs + this.overlapping(atUs) <= limit * periodUs;
  }

  override change(numbers: NaiveNumbers, atUs: number): void {
    if (numbers.periodUs === this.numbers.periodUs) {
      this.numbers = numbers;
      return;
    }
    const present = this.inWindow(this.windowOf(atUs));
    const estimate = Math.ceil(present + this.overlapping(atUs) / this.numbers.periodUs);
    this.moveTo(numbers, atUs);
    // What was left of the window before counts on, rounded up to whole costs, and is nobody's.
    this.taken.unshift({ atUs, cost: estimate - present });
  }

  protected override counts(take: NaiveTake, atUs: number): boolean {
    return this.windowOf(take.atUs) >= this.windowOf(atUs) - 1;
  }

  /** In costs times microseconds. */
  private overlapping(atUs: number): number {
    const window = this.windowOf(atUs);
    return this.inWindow(window - 1) * ((window + 1) * this.numbers.periodUs - atUs);
  }
}

/** By the kind of the algorithm: a count of a key that was never seen. */
export const naiveCounts: Readonly<Record<string, (numbers: NaiveNumbers, burst: number) => NaiveCount>> = {
  gcra: (numbers, burst) => new Bucket(numbers, burst),
  'sliding-log': (numbers) => new Log(numbers),
  'sliding-window': (numbers) => new TwoWindows(numbers),
  'fixed-window': (numbers) => new OneWindow(numbers),
};

/** Beyond all debts that a schedule can make. */
const FAR_US = 1e9;

/** The first microsecond from `fromUs` on at which `cost` fits: as time goes by more does, never less. */
export function earliestUs(count: NaiveCount, cost: number, fromUs: number): number {
  if (count.fits(cost, fromUs)) return fromUs;
  if (!count.fits(cost, fromUs + FAR_US)) return Infinity;
  let [tooEarly, late] = [fromUs, fromUs + FAR_US];
  while (late - tooEarly > 1) {
    const middle = Math.floor((tooEarly + late) / 2);
    if (count.fits(cost, middle)) late = middle;
    else tooEarly = middle;
  }
  return late;
}
