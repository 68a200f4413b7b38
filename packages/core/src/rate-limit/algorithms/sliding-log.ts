/**
 * The sliding log: remembers every admission of the last period, so that no window of a period, wherever it begins,
 * ever admits more than the limit. Exact where all others approximate, at the price of memory: 16 bytes for each
 * admission that is still in its window, in a ring that grows with them.
 *
 * An admission at t counts in (t − period, t]: exactly a period later its place is free. Admissions of one microsecond
 * share an entry. Sums of integers are exact; fractions of a cost are as exact as doubles add up, and start from 0
 * whenever the window is empty.
 */
import {
  type LimitAlgorithm,
  type Meter,
  type MeterSettings,
  NO_SLOT,
  PAGE_BITS,
  PAGE_MASK,
  SLOTS_PER_PAGE,
  SteppedMeter,
  unmoved,
} from './meter.ts';

/** Exact: no window of a period ever exceeds the limit. For small limits: it remembers each admission. */
export const slidingLog: LimitAlgorithm = Object.freeze({
  kind: 'sliding-log',
  hasBurst: false,
  createMeter: (settings: MeterSettings) => new SlidingLogMeter(settings),
});

class SlidingLogMeter extends SteppedMeter implements Meter {
  readonly marksMove = false;
  limitValue!: number;
  private periodUs!: number;
  private readonly pages: (AdmissionRing | undefined)[][] = [];

  constructor(settings: MeterSettings) {
    super();
    this.setLimit(settings);
    this.addPage();
  }

  get maxCost(): number {
    return this.limitValue;
  }

  waitUs(slot: number, cost: number, nowUs: number): number {
    if (cost > this.limitValue) return Infinity;
    const ring = this.ringOf(slot, nowUs);
    const missing = (ring?.sum ?? 0) + cost - this.limitValue;
    return missing <= 0 ? 0 : ring!.timeWhenFreed(missing) + this.periodUs - nowUs;
  }

  take(slot: number, cost: number, nowUs: number): void {
    const page = this.pages[slot >> PAGE_BITS]!;
    const ring = (page[slot & PAGE_MASK] ??= new AdmissionRing());
    ring.dropThrough(nowUs - this.periodUs);
    ring.add(nowUs, cost);
  }

  mark(slot: number): number {
    return this.find(slot)!.lastSequence;
  }

  give(slot: number, cost: number, mark: number, nowUs: number): number {
    this.ringOf(slot, nowUs)?.reduce(mark, cost);
    return 0;
  }

  forgive(slot: number, cost: number, nowUs: number): void {
    this.ringOf(slot, nowUs)?.forgive(cost);
  }

  remaining(slot: number, nowUs: number): number {
    return Math.max(0, Math.floor(this.limitValue - (this.ringOf(slot, nowUs)?.sum ?? 0)));
  }

  resetUs(slot: number, nowUs: number): number {
    const ring = this.ringOf(slot, nowUs);
    return ring === undefined || ring.sum === 0 ? 0 : ring.lastTime + this.periodUs - nowUs;
  }

  drainUs(slot: number, cost: number, nowUs: number): number {
    const ring = this.ringOf(slot, nowUs);
    const missing = (ring?.sum ?? 0) + cost - this.limitValue;
    if (missing <= 0) return 0;
    if (ring !== undefined && missing <= ring.sum) return ring.timeWhenFreed(missing) + this.periodUs - nowUs;
    // What is there now frees its places once a period, and so do those who take them then.
    const beyond = missing - (ring?.sum ?? 0);
    return this.resetUs(slot, nowUs) + Math.ceil(beyond / this.limitValue) * this.periodUs;
  }

  copy(from: number, to: number): void {
    this.pages[to >> PAGE_BITS]![to & PAGE_MASK] = this.find(from)?.clone();
  }

  clear(slot: number): void {
    this.pages[slot >> PAGE_BITS]![slot & PAGE_MASK] = undefined;
  }

  addPage(): void {
    this.pages.push(new Array<AdmissionRing | undefined>(SLOTS_PER_PAGE).fill(undefined));
  }

  /** What has left its window by the period of before does not come back by a longer one. */
  update(settings: MeterSettings, nowUs: number): (mark: number) => number {
    for (const page of this.pages) for (const ring of page) ring?.dropThrough(nowUs - this.periodUs);
    this.setLimit(settings);
    return unmoved;
  }

  private setLimit({ limit, periodMs }: MeterSettings): void {
    this.limitValue = limit;
    this.periodUs = Math.round(periodMs * 1_000);
  }

  private find(slot: number): AdmissionRing | undefined {
    return slot === NO_SLOT ? undefined : this.pages[slot >> PAGE_BITS]![slot & PAGE_MASK];
  }

  private ringOf(slot: number, nowUs: number): AdmissionRing | undefined {
    const ring = this.find(slot);
    ring?.dropThrough(nowUs - this.periodUs);
    return ring;
  }
}

/** The admissions of one key, the oldest first: a ring of pairs of time and cost. */
class AdmissionRing {
  sum = 0;
  private rows: Float64Array = new Float64Array(8);
  private head = 0;
  private count = 0;
  /** How many entries have left at the front since the beginning: an entry's sequence is this plus its place. */
  private left = 0;

  get lastTime(): number {
    return this.rows[this.place(this.count - 1)]!;
  }

  get lastSequence(): number {
    return this.left + this.count - 1;
  }

  add(timeUs: number, cost: number): void {
    if (this.count > 0 && this.lastTime === timeUs) {
      this.rows[this.place(this.count - 1) + 1]! += cost;
    } else {
      if (this.count * 2 === this.rows.length) this.grow();
      const at = this.place(this.count++);
      this.rows[at] = timeUs;
      this.rows[at + 1] = cost;
    }
    this.sum += cost;
  }

  /** Drops what was admitted at `timeUs` or before. */
  dropThrough(timeUs: number): void {
    while (this.count > 0 && this.rows[this.place(0)]! <= timeUs) {
      this.sum -= this.rows[this.place(0) + 1]!;
      this.head = (this.head + 1) % (this.rows.length / 2);
      this.count--;
      this.left++;
    }
    if (this.count === 0) this.sum = 0;
  }

  /** The time of the entry with which `cost` will have left. */
  timeWhenFreed(cost: number): number {
    let freed = 0;
    for (let index = 0; index < this.count; index++) {
      freed += this.rows[this.place(index) + 1]!;
      if (freed >= cost) return this.rows[this.place(index)]!;
    }
    return this.lastTime;
  }

  /** Takes up to `cost` away from the entry with this sequence; how much it was. */
  reduce(sequence: number, cost: number): number {
    const index = sequence - this.left;
    if (index < 0 || index >= this.count) return 0;
    const at = this.place(index) + 1;
    const less = Math.min(cost, this.rows[at]!);
    this.rows[at]! -= less;
    this.sum -= less;
    return less;
  }

  /** Takes up to `cost` away from the latest entries. */
  forgive(cost: number): void {
    for (let left = cost; left > 0 && this.count > 0;) {
      left -= this.reduce(this.lastSequence, left);
      if (this.rows[this.place(this.count - 1) + 1] === 0) this.count--;
    }
    if (this.count === 0) this.sum = 0;
  }

  clone(): AdmissionRing {
    const copy = new AdmissionRing();
    copy.sum = this.sum;
    copy.rows = this.rows.slice();
    copy.head = this.head;
    copy.count = this.count;
    copy.left = this.left;
    return copy;
  }

  private place(index: number): number {
    const entries = this.rows.length / 2;
    const at = this.head + index;
    return (at < entries ? at : at - entries) * 2;
  }

  private grow(): void {
    const rows = new Float64Array(this.rows.length * 2);
    for (let index = 0; index < this.count; index++) {
      const from = this.place(index);
      rows[index * 2] = this.rows[from]!;
      rows[index * 2 + 1] = this.rows[from + 1]!;
    }
    this.rows = rows;
    this.head = 0;
  }
}
