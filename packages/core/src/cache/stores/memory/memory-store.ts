/**
 * A bounded store in memory whose entries leave by themselves when their time is up.
 *
 * An entry is a slot: a place in a few arrays. So a million entries are a dozen arrays and not a million objects, an entry
 * costs about 60 bytes beside its key and value, and neither a hit nor a replacement allocates anything.
 *
 * The time is that of {@link recentTimeOf} as long as no entry lives for less than a few seconds: at most 50 ms old, so
 * that an entry may be found for 50 ms longer than it should be, and a hit does not read the clock.
 */
import type { Clock } from '../../../clock/clock.ts';
import type { Random } from '../../../clock/random.ts';
import { type RecentTime, recentTimeOf } from '../../../clock/recent-time.ts';
import type { Eviction } from './eviction.ts';
import { ExpiryWheel } from './expiry-wheel.ts';
import { type MemoryStoreOptions, type RemovalCause, resolveMemoryOptions } from './options.ts';
import { larger, roomier } from './slot-arrays.ts';
import { NO_SLOT, SlotIndex } from './slot-index.ts';
import { SlotWeights } from './slot-weights.ts';
import type { MemoryStoreStatistics } from './statistics.ts';

const FIRST_CAPACITY = 16;
/** Below this lifetime 50 ms are too many to be late. */
const SHORT_LIFE_MS = 3_200;

/** A bounded store in memory; see the head of this file. */
export class MemoryStore<Value> {
  private readonly clock: Clock;
  private readonly recent: RecentTime;
  private readonly random: Random;
  private readonly index: SlotIndex;
  private readonly wheel: ExpiryWheel;
  private readonly eviction: Eviction;
  private readonly maxEntries: number;
  /** Undefined unless bytes are bounded. */
  private readonly weights: SlotWeights<Value> | undefined;
  private readonly idleMs: number;
  private readonly ttlMs: number;
  private readonly jitterRatio: number;
  private readonly onRemoved: ((key: string, value: Value, cause: RemovalCause) => void) | undefined;
  private values: (Value | undefined)[] = [];
  private readonly free: number[] = [];
  private expiresAt: Float64Array = new Float64Array(0);
  /** Empty unless entries may be idle. */
  private usedAt: Float64Array = new Float64Array(0);
  private capacity = 0;
  /** Slots from here on have never been used. */
  private fresh = 0;
  private count = 0;
  private exact = false;
  private hits = 0;
  private misses = 0;
  private evicted = 0;
  private expired = 0;
  private idle = 0;
  private tooLarge = 0;

  /** @throws ConfigurationError when the options can't be meant. */
  constructor(given: MemoryStoreOptions<Value> = {}) {
    const { clock, maxBytes, sizeOf, eviction, ...options } = resolveMemoryOptions(given);
    this.clock = clock;
    this.recent = recentTimeOf(clock);
    this.random = options.random;
    this.maxEntries = options.maxEntries;
    this.weights = sizeOf === undefined ? undefined : new SlotWeights(maxBytes, sizeOf);
    this.idleMs = options.idleMs;
    this.ttlMs = options.ttlMs;
    this.jitterRatio = options.jitterRatio;
    this.onRemoved = options.onRemoved;
    this.index = new SlotIndex(options.random);
    this.wheel = new ExpiryWheel(clock, (slot, now) => this.mayBeDue(slot, now));
    this.eviction = eviction.create({ maxEntries: this.maxEntries, hashOf: (slot) => this.index.hashOf(slot) });
  }

  /** How many entries there are, those included that have expired and not left yet. */
  get size(): number {
    return this.count;
  }

  get statistics(): MemoryStoreStatistics {
    const { count: size, hits, misses, evicted, expired, idle, tooLarge } = this;
    return { size, bytes: this.weights?.total ?? 0, hits, misses, evicted, expired, idle, tooLarge };
  }

  /** The time that the store goes by, in milliseconds of its clock. */
  now(): number {
    return this.exact ? this.clock.now() : this.recent.now();
  }

  /** The value of `key`; undefined when there is none. */
  get(key: string): Value | undefined {
    const hash = this.index.hash(key);
    const slot = this.index.find(key, hash);
    if (slot === NO_SLOT) this.eviction.missed(hash);
    else {
      const now = this.now();
      if (!this.isOver(slot, now)) return this.use(slot, hash, now);
      this.expire(slot, now);
    }
    this.misses++;
    return undefined;
  }

  /** The same, but that a key without a value was not missed: whoever asks goes on to ask otherwise. */
  getIfPresent(key: string): Value | undefined {
    const slot = this.find(key);
    return slot === NO_SLOT ? undefined : this.use(slot, this.index.hashOf(slot), this.now());
  }

  /** The value of `key`, without counting as a use. */
  peek(key: string): Value | undefined {
    const slot = this.find(key);
    return slot === NO_SLOT ? undefined : this.values[slot];
  }

  /** Whether `key` has a value; does not count as a use. */
  has(key: string): boolean {
    return this.find(key) !== NO_SLOT;
  }

  /** How many milliseconds `key` has left before it expires; undefined when it has no value. */
  remainingMs(key: string): number | undefined {
    const slot = this.find(key);
    return slot === NO_SLOT ? undefined : this.expiresAt[slot]! - this.now();
  }

  /**
   * Gives `key` a value.
   *
   * @param ttlMs How long it lives, with the store's jitter: above 0, or Infinity; default: the store's time.
   * @returns False when the value is too large for the whole store; then the key has none.
   * @throws RangeError when the time is no duration above 0.
   */
  set(key: string, value: Value, ttlMs: number = this.ttlMs): boolean {
    if (!(ttlMs > 0)) throw new RangeError(`a time to live must be above 0 milliseconds, not ${ttlMs}`);
    const { jitterRatio } = this;
    const lifeMs = jitterRatio === 0 ? ttlMs : ttlMs * (1 + jitterRatio * (2 * this.random.next() - 1));
    this.noteLife(lifeMs);
    const now = this.now();
    return this.put(key, value, now + lifeMs, now);
  }

  /** @internal Goes over to exact times if something lives for so short. */
  noteLife(lifeMs: number): void {
    if (lifeMs < SHORT_LIFE_MS) this.exact = true;
  }

  /** @internal Gives `key` a value that lives until `expiresAt`, without jitter. */
  put(key: string, value: Value, expiresAt: number, now: number): boolean {
    const { index, weights } = this;
    const size = weights === undefined ? 0 : weights.weigh(value, key);
    if (weights !== undefined && size > weights.maxBytes) return this.refuse(key, value);
    let hash = index.hash(key);
    let slot = index.find(key, hash);
    if (slot !== NO_SLOT) {
      this.onRemoved?.(key, this.values[slot] as Value, 'replaced');
      this.eviction.used(slot, hash);
      // Where it stands in the wheel is early enough for a later time: it is looked at again then.
      if (expiresAt < this.expiresAt[slot]!) this.wheel.cancel(slot);
    } else {
      slot = this.takeSlot();
      if (this.capacity === 0 || slot >= this.capacity) hash = this.grow(key);
      // The index may have gone over to another hash.
      if (index.add(key, hash, slot)) hash = index.hashOf(slot);
      this.eviction.admitted(slot, hash);
      this.count++;
    }
    this.values[slot] = value;
    this.expiresAt[slot] = expiresAt;
    if (this.idleMs !== Infinity) this.usedAt[slot] = now;
    if (!this.wheel.isScheduled(slot)) this.schedule(slot, now);
    if (weights !== undefined) {
      weights.set(slot, size);
      while (weights.total > weights.maxBytes) this.evict();
    }
    return true;
  }

  /** Removes `key`; false when it had no value. */
  delete(key: string): boolean {
    const slot = this.find(key);
    if (slot === NO_SLOT) return false;
    this.remove(slot, 'deleted');
    return true;
  }

  /** Removes everything. */
  clear(): void {
    if (this.onRemoved !== undefined) {
      for (const [key, value] of this.entries()) this.onRemoved(key, value, 'cleared');
    }
    this.index.clear();
    this.eviction.clear();
    this.wheel.clear();
    this.values.fill(undefined);
    this.weights?.clear();
    this.free.length = 0;
    this.fresh = 0;
    this.count = 0;
  }

  /** The keys that have a value, in no order that means anything. */
  *keys(): IterableIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  /** Keys and values, in no order that means anything. What is set or deleted meanwhile may be among them or not. */
  *entries(): IterableIterator<[string, Value]> {
    const now = this.now();
    for (let slot = 0; slot < this.fresh; slot++) {
      const key = this.index.keyOf(slot);
      if (key === undefined || this.isOver(slot, now)) continue;
      yield [key, this.values[slot] as Value];
    }
  }

  private find(key: string): number {
    const slot = this.index.find(key, this.index.hash(key));
    if (slot === NO_SLOT) return slot;
    return this.isOver(slot, this.now()) ? NO_SLOT : slot;
  }

  /** Whether the time of an entry is up, or nobody has used it for too long. */
  private isOver(slot: number, now: number): boolean {
    return this.expiresAt[slot]! <= now || (this.idleMs !== Infinity && this.usedAt[slot]! + this.idleMs <= now);
  }

  private use(slot: number, hash: number, now: number): Value | undefined {
    this.hits++;
    this.eviction.used(slot, hash);
    if (this.idleMs !== Infinity) this.usedAt[slot] = now;
    return this.values[slot];
  }

  private refuse(key: string, value: Value): false {
    this.tooLarge++;
    this.delete(key);
    this.onRemoved?.(key, value, 'too-large');
    return false;
  }

  /** An empty slot; evicts where there is none. */
  private takeSlot(): number {
    if (this.count >= this.maxEntries) this.evict();
    return this.free.pop() ?? this.fresh++;
  }

  /** Doubles the room. Gives the hash of `key`, since the table may be made anew. */
  private grow(key: string): number {
    this.capacity = Math.min(Math.max(FIRST_CAPACITY, this.capacity * 2), this.maxEntries);
    this.index.grow(this.capacity);
    this.wheel.grow(this.capacity);
    this.eviction.grow(this.capacity);
    this.expiresAt = larger(this.expiresAt, this.capacity);
    if (this.idleMs !== Infinity) this.usedAt = larger(this.usedAt, this.capacity);
    this.weights?.grow(this.capacity);
    this.values = roomier(this.values, this.capacity);
    return this.index.hash(key);
  }

  private schedule(slot: number, now: number): void {
    const dueAt = this.dueAt(slot);
    if (dueAt !== Infinity) this.wheel.schedule(slot, dueAt, now);
  }

  private dueAt(slot: number): number {
    const expiresAt = this.expiresAt[slot]!;
    return this.idleMs === Infinity ? expiresAt : Math.min(expiresAt, this.usedAt[slot]! + this.idleMs);
  }

  private evict(): void {
    const slot = this.eviction.victim();
    this.evicted++;
    this.vacate(slot, 'evicted');
  }

  private remove(slot: number, cause: RemovalCause): void {
    this.eviction.removed(slot);
    this.vacate(slot, cause);
  }

  private vacate(slot: number, cause: RemovalCause): void {
    const key = this.index.keyOf(slot)!;
    const value = this.values[slot] as Value;
    this.index.remove(slot);
    this.wheel.cancel(slot);
    this.values[slot] = undefined;
    if (this.weights !== undefined) this.weights.set(slot, 0);
    this.free.push(slot);
    this.count--;
    this.onRemoved?.(key, value, cause);
  }

  private expire(slot: number, now: number): void {
    const isOld = this.expiresAt[slot]! <= now;
    if (isOld) this.expired++;
    else this.idle++;
    this.remove(slot, isOld ? 'expired' : 'idle');
  }

  private mayBeDue(slot: number, now: number): void {
    if (this.dueAt(slot) <= now) this.expire(slot, now);
    else this.schedule(slot, now);
  }
}
