/**
 * Which slot of an algorithm's arrays a key has. Bounded: when `maxKeys` are there a new one takes the slot of another.
 *
 * A key that has nothing taken is like one that was never seen, so dropping it loses nothing. A hand goes round the
 * slots and drops such keys, two for each new key, so that the table follows the number of keys that are busy and no
 * sweep ever pauses the program. When the table is full of busy keys the hand looks at a few more and takes the one that
 * is free again first. As long as it has seen none but keys that are being throttled it looks further, within a bound: a
 * flood of fresh keys, each with one request, drives out its own kind.
 */

/** What the table must know of the slots. */
export interface SlotOwner {
  /** Until when the slot is not fresh, in any unit that compares; at or before `now` nothing is lost by dropping it. */
  busyUntil(slot: number): number;
  /** Whether the key of the slot would be refused now. */
  throttled(slot: number, now: number): boolean;
  /** Makes the slot fresh. */
  clear(slot: number): void;
  /** Makes room for so many slots. */
  grow(slots: number): void;
}

const SWEPT_PER_NEW_KEY = 2;
const LOOKED_AT_WHEN_FULL = 16;
const LOOKED_AT_WHEN_THROTTLED = 1_024;
const FIRST_SLOTS = 64;

export class KeyTable {
  readonly #owner: SlotOwner;
  readonly #maxKeys: number;
  readonly #slots: Map<string, number> = new Map();
  readonly #keys: (string | undefined)[] = [];
  readonly #free: number[] = [];
  #capacity = 0;
  #hand = 0;

  constructor(owner: SlotOwner, maxKeys: number) {
    this.#owner = owner;
    this.#maxKeys = maxKeys;
  }

  /** How many keys have a slot. */
  get size(): number {
    return this.#slots.size;
  }

  /** The slot of `key`; undefined when it has none. */
  find(key: string): number | undefined {
    return this.#slots.get(key);
  }

  /** Gives `key`, which has none, a slot. */
  add(key: string, now: number): number {
    this.#sweep(now);
    const slot = this.#free.pop() ?? this.#fresh() ?? this.#takeOver(now);
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    return slot;
  }

  /** Takes the slot of `key` away; harmless when it has none. */
  drop(key: string): void {
    const slot = this.#slots.get(key);
    if (slot !== undefined) this.#release(slot, key);
  }

  #release(slot: number, key: string): void {
    this.#slots.delete(key);
    this.#keys[slot] = undefined;
    this.#owner.clear(slot);
    this.#free.push(slot);
  }

  #sweep(now: number): void {
    for (let looked = 0; looked < SWEPT_PER_NEW_KEY && this.#keys.length > 0; looked++) {
      const slot = this.#advance();
      const key = this.#keys[slot];
      if (key !== undefined && this.#owner.busyUntil(slot) <= now) this.#release(slot, key);
    }
  }

  #fresh(): number | undefined {
    const slot = this.#keys.length;
    if (slot >= this.#maxKeys) return undefined;
    if (slot >= this.#capacity) {
      this.#capacity = Math.min(this.#maxKeys, Math.max(FIRST_SLOTS, this.#capacity * 2));
      this.#owner.grow(this.#capacity);
    }
    this.#keys.push(undefined);
    return slot;
  }

  #takeOver(now: number): number {
    let chosen = this.#advance();
    let chosenUntil = this.#owner.busyUntil(chosen);
    for (let looked = 1; looked < LOOKED_AT_WHEN_THROTTLED && chosenUntil > now; looked++) {
      if (looked >= LOOKED_AT_WHEN_FULL && !this.#owner.throttled(chosen, now)) break;
      const slot = this.#advance();
      const until = this.#owner.busyUntil(slot);
      if (until < chosenUntil) [chosen, chosenUntil] = [slot, until];
    }
    this.#release(chosen, this.#keys[chosen]!);
    return this.#free.pop()!;
  }

  #advance(): number {
    const slot = this.#hand < this.#keys.length ? this.#hand : 0;
    this.#hand = slot + 1;
    return slot;
  }
}
