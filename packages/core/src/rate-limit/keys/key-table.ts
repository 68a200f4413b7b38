/**
 * Which slot of the meters' pages a key has. Bounded: when `maxKeys` are there a new one takes the slot of another.
 *
 * A key that has nothing taken is like one that was never seen, so dropping it loses nothing. A hand goes round the
 * slots and drops such keys, two for each new key, so that the table follows the number of keys that are busy and no
 * sweep ever pauses the program. When the table is full of busy keys the hand looks at a few more and takes the one that
 * is free again first. As long as it has seen none but keys that are being throttled it looks further, within a bound: a
 * flood of fresh keys, each with one request, drives out its own kind.
 */
import { FIRST_KEY_SLOT, type Meter, NO_SLOT, PAGE_BITS, PAGE_MASK, SLOTS_PER_PAGE } from '../algorithms/meter.ts';
import { KeyMap } from './key-map.ts';

const SWEPT_PER_NEW_KEY = 2;
const LOOKED_AT_WHEN_FULL = 16;
const LOOKED_AT_WHEN_THROTTLED = 1_024;

export class KeyTable {
  private readonly meters: readonly Meter[];
  private readonly endSlot: number;
  private readonly onEvicted: (key: string) => void;
  private readonly map: KeyMap = new KeyMap();
  private readonly keys: (string | undefined)[][] = [new Array<string | undefined>(SLOTS_PER_PAGE).fill(undefined)];
  private readonly free: number[] = [];
  /** The first slot that was never given to anybody. */
  private unusedSlot = FIRST_KEY_SLOT;
  private hand = FIRST_KEY_SLOT;

  /**
   * @param meters Those whose slots it gives out, all alike.
   * @param onEvicted Told when a key that was busy had to go.
   */
  constructor(meters: readonly Meter[], maxKeys: number, onEvicted: (key: string) => void) {
    this.meters = meters;
    this.endSlot = FIRST_KEY_SLOT + maxKeys;
    this.onEvicted = onEvicted;
  }

  /** How many keys have a slot. */
  get size(): number {
    return this.map.size;
  }

  /** The slot of `key`; NO_SLOT when it has none. */
  find(key: string): number {
    return this.map.get(key) ?? NO_SLOT;
  }

  /** Gives `key`, which has none, a slot. */
  add(key: string, nowUs: number): number {
    this.sweep(nowUs);
    const slot = this.free.pop() ?? this.unused() ?? this.takeOver(nowUs);
    this.map.add(key, slot);
    this.setKey(slot, key);
    return slot;
  }

  /** Takes the slot of `key` away; harmless when it has none. */
  drop(key: string): void {
    const slot = this.map.get(key);
    if (slot !== undefined) this.release(slot, key);
  }

  private release(slot: number, key: string): void {
    this.map.delete(key);
    this.setKey(slot, undefined);
    for (const meter of this.meters) meter.clear(slot);
    this.free.push(slot);
  }

  private sweep(nowUs: number): void {
    for (let looked = 0; looked < SWEPT_PER_NEW_KEY && this.unusedSlot > FIRST_KEY_SLOT; looked++) {
      const slot = this.advance();
      const key = this.keyAt(slot);
      if (key !== undefined && this.busyUs(slot, nowUs) === 0) this.release(slot, key);
    }
  }

  private unused(): number | undefined {
    const slot = this.unusedSlot;
    if (slot >= this.endSlot) return undefined;
    if (slot >> PAGE_BITS === this.keys.length) {
      this.keys.push(new Array<string | undefined>(SLOTS_PER_PAGE).fill(undefined));
      for (const meter of this.meters) meter.addPage();
    }
    this.unusedSlot++;
    return slot;
  }

  private takeOver(nowUs: number): number {
    let chosen = this.advance();
    let chosenUs = this.busyUs(chosen, nowUs);
    // Once round a small table: those that were seen would say the same again.
    const most = Math.min(LOOKED_AT_WHEN_THROTTLED, this.endSlot - FIRST_KEY_SLOT);
    for (let looked = 1; looked < most && chosenUs > 0; looked++) {
      if (looked >= LOOKED_AT_WHEN_FULL && !this.isThrottled(chosen, nowUs)) break;
      const slot = this.advance();
      const slotUs = this.busyUs(slot, nowUs);
      if (slotUs < chosenUs) [chosen, chosenUs] = [slot, slotUs];
    }
    const key = this.keyAt(chosen)!;
    this.release(chosen, key);
    if (chosenUs > 0) this.onEvicted(key);
    return this.free.pop()!;
  }

  /** In how many microseconds dropping the slot loses nothing. */
  private busyUs(slot: number, nowUs: number): number {
    let busy = 0;
    for (const meter of this.meters) busy = Math.max(busy, meter.resetUs(slot, nowUs));
    return busy;
  }

  /** Whether a request of cost 1 would be refused now. */
  private isThrottled(slot: number, nowUs: number): boolean {
    return this.meters.some((meter) => meter.waitUs(slot, 1, nowUs) > 0);
  }

  private advance(): number {
    const slot = this.hand < this.unusedSlot ? this.hand : FIRST_KEY_SLOT;
    this.hand = slot + 1;
    return slot;
  }

  private keyAt(slot: number): string | undefined {
    return this.keys[slot >> PAGE_BITS]![slot & PAGE_MASK];
  }

  private setKey(slot: number, key: string | undefined): void {
    this.keys[slot >> PAGE_BITS]![slot & PAGE_MASK] = key;
  }
}
