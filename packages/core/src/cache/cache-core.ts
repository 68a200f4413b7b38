/** What the parts of one cache share: its memory, its fences, its counters, its events. */
import type { Clock } from '../clock/clock.ts';
import { type Random, systemRandom } from '../clock/random.ts';
import { systemClock } from '../clock/system-clock.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import { CacheEntry, entryTimes } from './cache-entry.ts';
import type { CacheEvents, CacheTierName } from './events.ts';
import { Fences, uniqueTags } from './fences.ts';
import type { Flight } from './flight.ts';
import { deepFrozen } from './frozen.ts';
import { shownKey } from './cache-key.ts';
import { graceOf, type ResolvedCacheOptions, type ResolvedEntryOptions } from './options.ts';
import { type CacheCounters, cacheCounters } from './statistics.ts';
import { approximateBytes } from './stores/memory/approximate-bytes.ts';
import { lifetime, type RemovalCause } from './stores/memory/options.ts';
import { MemoryStore } from './stores/memory/memory-store.ts';
import { SecondTier } from './tier/second-tier.ts';
import type { TierValue } from './tier/tier-answer.ts';

const life = lifetime();

export class CacheCore<Value> {
  readonly name: string;
  readonly namespace: string;
  readonly options: ResolvedCacheOptions<Value>;
  readonly clock: Clock;
  readonly random: Random;
  readonly memory: MemoryStore<CacheEntry<Value>>;
  readonly fences: Fences = new Fences();
  readonly counters: CacheCounters = cacheCounters();
  readonly channel: OwnerChannel<CacheEvents>;
  readonly tier: SecondTier<Value> | undefined;

  constructor(options: ResolvedCacheOptions<Value>) {
    this.options = options;
    this.name = options.name ?? options.namespace;
    this.namespace = options.namespace;
    this.clock = options.clock ?? systemClock;
    this.channel = new OwnerChannel(this.name, () => this.clock);
    this.random = options.random ?? systemRandom;
    const { sizeOf } = options;
    this.memory = new MemoryStore<CacheEntry<Value>>({
      maxEntries: options.maxEntries,
      maxBytes: options.maxBytes,
      eviction: options.eviction,
      idleMs: options.idleMs,
      sizeOf: sizeOf === undefined ? undefined : ({ value }, key) => this.sizeBy(sizeOf, value, key),
      onRemoved: (key, _entry, cause) => this.removed(key, cause),
      clock: this.clock,
      random: this.random,
    });
    this.noteLives(options);
    this.tier = options.secondTier === undefined ? undefined : new SecondTier(this, options.secondTier);
  }

  /** The entry of a key, unless an invalidation has made it void. */
  find(text: string): CacheEntry<Value> | undefined {
    const entry = this.memory.get(text);
    if (entry === undefined || this.fences.admits(entry)) return entry;
    this.memory.delete(text);
    return undefined;
  }

  /** The same without counting as a use. */
  glance(text: string): CacheEntry<Value> | undefined {
    const entry = this.memory.peek(text);
    return entry !== undefined && this.fences.admits(entry) ? entry : undefined;
  }

  /** The fresh value of a key in memory; counts as a hit. */
  use(text: string): Value | undefined {
    const entry = this.memory.getIfPresent(text);
    if (entry === undefined || !this.fences.admits(entry) || this.memory.now() >= entry.freshUntil) return undefined;
    this.countHit('memory', false, text);
    return this.shown(entry.value);
  }

  /** Puts an entry into memory. */
  keep(text: string, entry: CacheEntry<Value>): void {
    this.memory.put(text, entry, entry.goneAt, entry.createdAt);
  }

  /** Puts what a flight has loaded into memory, and into the second tier in the background. */
  keepLoaded(flight: Flight<Value>, entry: CacheEntry<Value>): void {
    const { text } = flight.request;
    this.keep(text, entry);
    if (flight.tierAnswer !== undefined) flight.written = this.tier?.commit(text, entry, flight.tierAnswer);
  }

  /** Makes the entry of a loaded value; one that is not to be kept has no time to be fresh. */
  entryOf(loaded: Value, flight: Flight<Value>): CacheEntry<Value> {
    const { answer, stale, request } = flight;
    const value = answer.unchanged && stale !== undefined ? stale.value : loaded;
    const tags = uniqueTags(request.options.tags, answer.options.tags);
    const kept = answer.unchanged && stale !== undefined ? uniqueTags(stale.tags, tags) : tags;
    const etag = answer.options.etag ?? (answer.unchanged ? stale?.etag : undefined);
    const ttlMs = answer.skipped ? 0 : (answer.options.ttlMs ?? request.options.ttlMs);
    if (!answer.skipped && !life.accepts(ttlMs))
      throw new RangeError(`ttlMs must be ${life.expected}, not ${String(ttlMs)}`);
    return this.entry(value, { ...request.options, ttlMs }, flight.sequence, kept, etag);
  }

  /** Makes an entry of a value whose life begins now. */
  entry(
    value: Value,
    options: ResolvedEntryOptions,
    sequence: number,
    tags: readonly string[],
    etag: string | undefined,
  ): CacheEntry<Value> {
    const ttlMs = this.lifeOf(value, options);
    const { jitterRatio } = this.options;
    const freshMs = jitterRatio === 0 ? ttlMs : ttlMs * (1 + jitterRatio * (2 * this.random.next() - 1));
    const graceMs = value === null ? 0 : graceOf(options);
    this.memory.noteLife(freshMs);
    const times = entryTimes(this.memory.now(), freshMs, graceMs, options.eagerRefreshRatio);
    return new CacheEntry(this.own(value), times, sequence, tags, etag);
  }

  /** Makes an entry of what the second tier holds. */
  entryFromTier(found: TierValue<Value>, sequence: number): CacheEntry<Value> {
    const now = this.memory.now();
    this.memory.noteLife(found.freshMs);
    const { eagerRefreshRatio } = this.options;
    const eagerMs = eagerRefreshRatio === undefined ? Infinity : (found.ageMs + found.freshMs) * eagerRefreshRatio;
    const entry = new CacheEntry(
      this.own(found.value),
      {
        createdAt: now - found.ageMs,
        freshUntil: now + found.freshMs,
        eagerAt: now - found.ageMs + eagerMs,
        goneAt: now + found.freshMs + found.graceMs,
      },
      sequence,
      found.tags,
      found.etag,
    );
    entry.version = found.version;
    return entry;
  }

  /** A value as callers get it. */
  shown(value: Value): Value {
    return this.options.values === 'cloned' ? structuredClone(value) : value;
  }

  promised(value: Value): Promise<Value> {
    try {
      return Promise.resolve(this.shown(value));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  countHit(tier: CacheTierName, stale: boolean, text: string): void {
    if (stale) this.counters.staleHits++;
    else if (tier === 'memory') this.counters.memoryHits++;
    else this.counters.tierHits++;
    if (this.wants('cache-hit')) this.tell('cache-hit', text, { tier, stale });
  }

  countMiss(text: string): void {
    this.counters.misses++;
    if (this.wants('cache-miss')) this.tell('cache-miss', text, {});
  }

  wants(type: keyof CacheEvents): boolean {
    return this.channel.wants(type);
  }

  /** Tells an event, if anybody listens. */
  tell<Type extends keyof CacheEvents>(type: Type, text: string | undefined, details: CacheEvents[Type]): void {
    if (this.wants(type)) this.channel.tell(type, details, text === undefined ? undefined : shownKey(text));
  }

  /** How long a value is fresh before jitter: null has a time of its own, and undefined is never kept. */
  private lifeOf(value: Value, options: ResolvedEntryOptions): number {
    if (value === undefined) return 0;
    return value === null ? Math.min(options.negativeTtlMs, options.ttlMs) : options.ttlMs;
  }

  /** A value as the cache keeps it. */
  private own(value: Value): Value {
    if (this.options.values === 'cloned') return structuredClone(value);
    return this.options.values === 'frozen' ? deepFrozen(value) : value;
  }

  private noteLives({ ttlMs, negativeTtlMs }: ResolvedEntryOptions): void {
    this.memory.noteLife(ttlMs * (1 - this.options.jitterRatio));
    if (negativeTtlMs > 0) this.memory.noteLife(negativeTtlMs);
  }

  /** What the user's function says; where it throws, what the store would say. */
  private sizeBy(sizeOf: (value: Value, key: string) => number, value: Value, text: string): number {
    try {
      return sizeOf(value, shownKey(text));
    } catch (error) {
      this.tell('hook-failed', text, { hook: 'sizeOf', error, outcome: 'failure' });
      return approximateBytes(value);
    }
  }

  private removed(text: string, cause: RemovalCause): void {
    if (cause !== 'replaced' && cause !== 'deleted' && cause !== 'cleared') this.tell('cache-removed', text, { cause });
  }
}
