/**
 * The sliding-window counter: two numbers per key, what the present window and the one before it have admitted. Of the
 * one before, as much counts as still overlaps the period that ends now, as if its admissions were spread evenly:
 *
 *   estimate = before · (1 − elapsed / period) + present
 *
 * The estimate never exceeds the limit. What is really admitted in a period does where the window before was filled at
 * its end: up to twice the limit, less what fits into the moment between (the worst case, drawn in the documentation).
 * With arrivals spread evenly it is exact. Where more is asked for than there is, a period admits one less than the
 * limit: the last place opens only as the window ends.
 *
 * Windows begin at whole multiples of the period on the limiter's clock. The product of a count and a ratio of times is
 * rounded as doubles are, by one part in 2^52; a wait is rounded up to a whole microsecond.
 */
import {
  type LimitAlgorithm,
  type Meter,
  type MeterSettings,
  NO_SLOT,
  SlotColumns,
  SteppedMeter,
  unmoved,
} from './meter.ts';

const WINDOW = 0;
const PRESENT = 1;
const BEFORE = 2;

/** Two counts per key in place of a log: smooth for even traffic, up to twice the limit for the worst. */
export const slidingWindow: LimitAlgorithm = Object.freeze({
  kind: 'sliding-window',
  hasBurst: false,
  createMeter: (settings: MeterSettings) => new SlidingWindowMeter(settings),
});

class SlidingWindowMeter extends SteppedMeter implements Meter {
  readonly marksMove = false;
  limitValue!: number;
  private periodUs!: number;
  private readonly columns: SlotColumns = new SlotColumns(3, 0);

  constructor(settings: MeterSettings) {
    super();
    this.setLimit(settings);
  }

  get maxCost(): number {
    return this.limitValue;
  }

  waitUs(slot: number, cost: number, nowUs: number): number {
    if (cost > this.limitValue) return Infinity;
    const present = this.present(slot, nowUs);
    const elapsedUs = this.elapsedUs(nowUs);
    if (present + cost <= this.limitValue) {
      return Math.max(0, this.fitsFromUs(this.before(slot, nowUs), present + cost) - elapsedUs);
    }
    return this.periodUs - elapsedUs + this.fitsFromUs(present, cost);
  }

  take(slot: number, cost: number, nowUs: number): void {
    const present = this.present(slot, nowUs);
    const before = this.before(slot, nowUs);
    this.store(slot, this.windowOf(nowUs), present + cost, before);
  }

  mark(slot: number): number {
    return this.columns.get(slot, WINDOW);
  }

  give(slot: number, cost: number, mark: number, nowUs: number): number {
    const window = this.windowOf(nowUs);
    const present = this.present(slot, nowUs);
    const before = this.before(slot, nowUs);
    if (mark === window) this.store(slot, window, Math.max(0, present - cost), before);
    else if (mark === window - 1) this.store(slot, window, present, Math.max(0, before - cost));
    return 0;
  }

  forgive(slot: number, cost: number, nowUs: number): void {
    const present = this.present(slot, nowUs);
    const before = this.before(slot, nowUs);
    const rest = Math.max(0, cost - present);
    this.store(slot, this.windowOf(nowUs), Math.max(0, present - cost), Math.max(0, before - rest));
  }

  remaining(slot: number, nowUs: number): number {
    const overlap = 1 - this.elapsedUs(nowUs) / this.periodUs;
    const exact = this.limitValue - this.present(slot, nowUs) - this.before(slot, nowUs) * overlap;
    const estimate = Math.max(0, Math.floor(exact + this.limitValue * 1e-12));
    return estimate > 0 && this.waitUs(slot, estimate, nowUs) > 0 ? estimate - 1 : estimate;
  }

  resetUs(slot: number, nowUs: number): number {
    const elapsedUs = this.elapsedUs(nowUs);
    if (this.present(slot, nowUs) > 0) return 2 * this.periodUs - elapsedUs;
    return this.before(slot, nowUs) > 0 ? this.periodUs - elapsedUs : 0;
  }

  drainUs(slot: number, cost: number, nowUs: number): number {
    const windows = Math.ceil((this.present(slot, nowUs) + cost) / this.limitValue) - 1;
    if (windows <= 0) return this.waitUs(slot, cost, nowUs);
    // A window that follows a full one opens bit by bit: what is left over waits for its share of it.
    const last = this.present(slot, nowUs) + cost - windows * this.limitValue;
    const before = windows === 1 ? Math.min(this.limitValue, this.present(slot, nowUs) + cost) : this.limitValue;
    return this.periodUs * windows - this.elapsedUs(nowUs) + this.fitsFromUs(before, last);
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

  /**
   * With another period windows have other borders: the estimate of this moment counts in the window that it becomes. What
   * the window before took part in it can't be told apart any more, so that nothing of that is given back.
   */
  update(settings: MeterSettings, nowUs: number): (mark: number) => number {
    const window = this.windowOf(nowUs);
    const overlap = 1 - this.elapsedUs(nowUs) / this.periodUs;
    const samePeriod = Math.round(settings.periodMs * 1_000) === this.periodUs;
    this.setLimit(settings);
    if (samePeriod) return unmoved;
    const becomes = this.windowOf(nowUs);
    for (const page of this.columns.pages) {
      for (let at = 0; at < page.length; at += 3) {
        const [of, present, before] = [page[at]!, page[at + 1]!, page[at + 2]!];
        const estimate = of === window ? present + before * overlap : of === window - 1 ? present * overlap : 0;
        page.set([becomes, Math.ceil(estimate), 0], at);
      }
    }
    return (mark) => (mark === window ? becomes : -Infinity);
  }

  private setLimit({ limit, periodMs }: MeterSettings): void {
    this.limitValue = limit;
    this.periodUs = Math.round(periodMs * 1_000);
  }

  /** From which microsecond of a window on `present` fits, after a window that admitted `before`: 0 to a whole period. */
  private fitsFromUs(before: number, present: number): number {
    const room = this.limitValue - present;
    if (before <= room) return 0;
    // Exact for whole costs, as long as the products are whole numbers that a double tells apart.
    const roomUs = room * this.periodUs;
    let fromUs = this.periodUs - Math.floor(roomUs / before);
    while (fromUs < this.periodUs && before * (this.periodUs - fromUs) > roomUs) fromUs++;
    return fromUs;
  }

  private windowOf(nowUs: number): number {
    return Math.floor(nowUs / this.periodUs);
  }

  private elapsedUs(nowUs: number): number {
    return nowUs - this.windowOf(nowUs) * this.periodUs;
  }

  private present(slot: number, nowUs: number): number {
    if (slot === NO_SLOT || this.columns.get(slot, WINDOW) !== this.windowOf(nowUs)) return 0;
    return this.columns.get(slot, PRESENT);
  }

  private before(slot: number, nowUs: number): number {
    if (slot === NO_SLOT) return 0;
    const ago = this.windowOf(nowUs) - this.columns.get(slot, WINDOW);
    if (ago === 0) return this.columns.get(slot, BEFORE);
    return ago === 1 ? this.columns.get(slot, PRESENT) : 0;
  }

  private store(slot: number, window: number, present: number, before: number): void {
    this.columns.set(slot, WINDOW, window);
    this.columns.set(slot, PRESENT, present);
    this.columns.set(slot, BEFORE, before);
  }
}
