/**
 * Fixed windows: time is cut into periods, and each has the whole limit. Cheap and widely used, which is why it is here;
 * the end of one window and the beginning of the next together admit twice the limit in next to no time.
 *
 * Windows begin at whole multiples of the period on the limiter's clock. All sums are exact for integer costs.
 */
import { type LimitAlgorithm, type Meter, type MeterSettings, NO_SLOT, SlotColumns, SteppedMeter } from './meter.ts';

const WINDOW = 0;
const TAKEN = 1;

/** Whole windows one after the other: up to twice the limit around their border. For compatibility. */
export const fixedWindow: LimitAlgorithm = Object.freeze({
  kind: 'fixed-window',
  hasBurst: false,
  createMeter: (settings: MeterSettings) => new FixedWindowMeter(settings),
});

class FixedWindowMeter extends SteppedMeter implements Meter {
  readonly marksMove = false;
  limitValue!: number;
  private periodUs!: number;
  private readonly columns: SlotColumns = new SlotColumns(2, 0);

  constructor(settings: MeterSettings) {
    super();
    this.setLimit(settings);
  }

  get maxCost(): number {
    return this.limitValue;
  }

  waitUs(slot: number, cost: number, nowUs: number): number {
    if (cost > this.limitValue) return Infinity;
    return this.taken(slot, nowUs) + cost <= this.limitValue ? 0 : this.untilNextUs(nowUs);
  }

  take(slot: number, cost: number, nowUs: number): void {
    const taken = this.taken(slot, nowUs);
    this.columns.set(slot, WINDOW, this.windowOf(nowUs));
    this.columns.set(slot, TAKEN, taken + cost);
  }

  mark(slot: number): number {
    return this.columns.get(slot, WINDOW);
  }

  give(slot: number, cost: number, mark: number, nowUs: number): number {
    if (mark === this.windowOf(nowUs)) this.forgive(slot, cost, nowUs);
    return 0;
  }

  forgive(slot: number, cost: number, nowUs: number): void {
    this.columns.set(slot, TAKEN, Math.max(0, this.taken(slot, nowUs) - cost));
  }

  remaining(slot: number, nowUs: number): number {
    return Math.max(0, Math.floor(this.limitValue - this.taken(slot, nowUs)));
  }

  resetUs(slot: number, nowUs: number): number {
    return this.taken(slot, nowUs) === 0 ? 0 : this.untilNextUs(nowUs);
  }

  drainUs(slot: number, cost: number, nowUs: number): number {
    const windows = Math.ceil((this.taken(slot, nowUs) + cost) / this.limitValue) - 1;
    return windows <= 0 ? 0 : this.untilNextUs(nowUs) + (windows - 1) * this.periodUs;
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

  /** With another period windows have other borders: what was taken in the present one counts in the one that it becomes. */
  update(settings: MeterSettings, nowUs: number): (mark: number) => number {
    const before = this.windowOf(nowUs);
    this.setLimit(settings);
    const after = this.windowOf(nowUs);
    for (const page of this.columns.pages) {
      for (let at = 0; at < page.length; at += 2) {
        if (page[at] === before) page[at] = after;
        else page[at + 1] = 0;
      }
    }
    return (mark) => (mark === before ? after : -Infinity);
  }

  private setLimit({ limit, periodMs }: MeterSettings): void {
    this.limitValue = limit;
    this.periodUs = Math.round(periodMs * 1_000);
  }

  private windowOf(nowUs: number): number {
    return Math.floor(nowUs / this.periodUs);
  }

  private untilNextUs(nowUs: number): number {
    return (this.windowOf(nowUs) + 1) * this.periodUs - nowUs;
  }

  private taken(slot: number, nowUs: number): number {
    if (slot === NO_SLOT || this.columns.get(slot, WINDOW) !== this.windowOf(nowUs)) return 0;
    return this.columns.get(slot, TAKEN);
  }
}
