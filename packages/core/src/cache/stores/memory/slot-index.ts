/**
 * Which slot holds a key: a hash table with chains, all of it in typed arrays but the keys themselves. 16 to 24 bytes
 * a key, where a Map takes 28 to 92, and no tombstones: a Map keeps deleted entries in its chains until it is rebuilt,
 * so that a key which is deleted and set again and again becomes slow to find.
 *
 * Keys may be chosen by somebody who means harm. A chain that grows beyond what chance makes of it moves the whole table
 * to a hash with a secret key; see string-hash.ts.
 */
import type { Random } from '../../../clock/random.ts';
import { roomier } from './slot-arrays.ts';
import { keyedHash, quickHash } from './string-hash.ts';

/** By chance a chain of so many comes about once in 10^25 tables. */
const LONGEST_CHAIN = 24;

export const NO_SLOT = -1;

const word = (random: Random): number => Math.floor(random.next() * 4_294_967_296) | 0;

export class SlotIndex {
  private buckets: Int32Array;
  private mask: number;
  private next: Int32Array;
  private hashes: Int32Array;
  private keys: (string | undefined)[] = [];
  private readonly random: Random;
  private seed: number;
  private secret: number | undefined = undefined;

  constructor(random: Random) {
    this.random = random;
    this.seed = word(random);
    this.buckets = new Int32Array(0);
    this.mask = 0;
    this.next = new Int32Array(0);
    this.hashes = new Int32Array(0);
  }

  /** The hash of a key, to be given to {@link SlotIndex.find} and {@link SlotIndex.add} before the table grows. */
  hash(key: string): number {
    return this.secret === undefined ? quickHash(key, this.seed) : keyedHash(key, this.seed, this.secret);
  }

  /** The slot of `key`, or {@link NO_SLOT}. */
  find(key: string, hash: number): number {
    const { hashes, keys, next } = this;
    let slot = this.buckets[hash & this.mask]!;
    while (slot >= 0) {
      if (hashes[slot] === hash && keys[slot] === key) return slot;
      slot = next[slot]!;
    }
    return NO_SLOT;
  }

  /** Enters a key that is not there. True when the table has changed its hash: every hash known before is void. */
  add(key: string, hash: number, slot: number): boolean {
    const bucket = hash & this.mask;
    this.keys[slot] = key;
    this.hashes[slot] = hash;
    this.next[slot] = this.buckets[bucket]!;
    this.buckets[bucket] = slot;
    if (this.secret !== undefined || !this.isLongChain(slot)) return false;
    this.secret = word(this.random);
    this.rehash();
    return true;
  }

  /** Takes the key of `slot` out. */
  remove(slot: number): void {
    const { buckets, next } = this;
    const bucket = this.hashes[slot]! & this.mask;
    let before = buckets[bucket]!;
    if (before === slot) buckets[bucket] = next[slot]!;
    else {
      while (next[before] !== slot) before = next[before]!;
      next[before] = next[slot]!;
    }
    this.keys[slot] = undefined;
  }

  /** The key of a slot; undefined when it is empty. */
  keyOf(slot: number): string | undefined {
    return this.keys[slot];
  }

  hashOf(slot: number): number {
    return this.hashes[slot]!;
  }

  /** Makes room for so many slots. */
  grow(capacity: number): void {
    const { next, hashes } = this;
    this.next = new Int32Array(capacity);
    this.next.set(next);
    this.hashes = new Int32Array(capacity);
    this.hashes.set(hashes);
    let size = 1;
    while (size < capacity) size *= 2;
    this.buckets = new Int32Array(size).fill(NO_SLOT);
    this.mask = size - 1;
    this.keys = roomier(this.keys, capacity);
    this.link();
  }

  clear(): void {
    this.buckets.fill(NO_SLOT);
    this.keys.fill(undefined);
  }

  private isLongChain(first: number): boolean {
    let length = 0;
    for (let slot = first; slot >= 0; slot = this.next[slot]!) if (++length > LONGEST_CHAIN) return true;
    return false;
  }

  private rehash(): void {
    for (let slot = 0; slot < this.keys.length; slot++) {
      const key = this.keys[slot];
      if (key !== undefined) this.hashes[slot] = this.hash(key);
    }
    this.buckets.fill(NO_SLOT);
    this.link();
  }

  private link(): void {
    for (let slot = 0; slot < this.keys.length; slot++) {
      if (this.keys[slot] === undefined) continue;
      const bucket = this.hashes[slot]! & this.mask;
      this.next[slot] = this.buckets[bucket]!;
      this.buckets[bucket] = slot;
    }
  }
}
