/**
 * How often a key was asked for lately, roughly, in 8 to 16 bytes a key of the store: a count-min sketch of four rows of
 * 4-bit counters (Cormode and Muthukrishnan), whose counters are halved when ten times as many questions came as the
 * store has entries, so that yesterday's fashion is forgotten (Einziger, Friedman and Manes, TinyLFU).
 */
const ROWS = 4;
const MOST = 15;
const QUESTIONS_PER_ENTRY = 10;

export class FrequencySketch {
  private counters: Uint8Array = new Uint8Array(ROWS);
  private rowMask = 0;
  private questions = 0;
  private period = QUESTIONS_PER_ENTRY;

  /** Fits the sketch to so many entries; counts are forgotten. */
  resize(entries: number): void {
    let width = 8;
    // Keys that are asked for and not kept count as well: with half as many counters they spoil each other's by chance.
    while (width < entries * 4) width *= 2;
    // Two counters a byte.
    this.counters = new Uint8Array((ROWS * width) / 2);
    this.rowMask = width - 1;
    this.period = entries * QUESTIONS_PER_ENTRY;
    this.questions = 0;
  }

  clear(): void {
    this.counters.fill(0);
    this.questions = 0;
  }

  /** Counts a question. */
  count(hash: number): void {
    let grown = false;
    for (let row = 0; row < ROWS; row++) if (this.increment(this.place(hash, row))) grown = true;
    if (grown && ++this.questions >= this.period) this.age();
  }

  /** How often the key was asked for, 0 to 15; sometimes too high, never too low since the last halving. */
  frequency(hash: number): number {
    let least = MOST;
    for (let row = 0; row < ROWS; row++) {
      const place = this.place(hash, row);
      const counter = (this.counters[place >>> 1]! >>> ((place & 1) * 4)) & MOST;
      if (counter < least) least = counter;
    }
    return least;
  }

  private place(hash: number, row: number): number {
    let mixed = Math.imul(hash ^ (row * 0x27d4eb2f), 0x9e3779b1 + row * 2);
    mixed ^= mixed >>> 15;
    return row * (this.rowMask + 1) + (mixed & this.rowMask);
  }

  private increment(place: number): boolean {
    const shift = (place & 1) * 4;
    const byte = this.counters[place >>> 1]!;
    if (((byte >>> shift) & MOST) === MOST) return false;
    this.counters[place >>> 1] = byte + (1 << shift);
    return true;
  }

  private age(): void {
    for (let at = 0; at < this.counters.length; at++) this.counters[at] = (this.counters[at]! >>> 1) & 0x77;
    this.questions = Math.floor(this.questions / 2);
  }
}
