/**
 * A cache in two tiers: memory, and behind it, where one is given, a store that processes share.
 *
 * A fresh hit in memory is one synchronous look: a hash, an expiry, a fence. Everything else (a stale value, a load, the
 * second tier) is in loading.ts. What is promised whatever happens:
 *
 * - One load a key at a time, however many ask; its value and its error go to all of them.
 * - When an invalidation has returned, nobody in this process gets what was loaded before it.
 * - Nobody waits longer than its own time limit, be the loader hanging, or the second tier.
 * - Nothing grows without bound, and what has expired leaves although nobody reads it.
 */
import type { Clock } from '../clock/clock.ts';
import { timeoutQueueOf } from '../clock/timeout-queue.ts';
import type { AnyEventOf, EventMap, EventOf, EventSource } from '../events/event.ts';
import { Changes } from './changes.ts';
import { CacheCore } from './cache-core.ts';
import type { CacheEntry } from './cache-entry.ts';
import { CacheClosedError } from './errors.ts';
import type { CacheEvents } from './events.ts';
import { type CacheInspection, inspection } from './inspection.ts';
import { type CacheKey, checkKey, memoryKey } from './cache-key.ts';
import type { Loader } from './loader.ts';
import { Loading } from './loading.ts';
import { getOrLoadMany, type ManyLoader } from './get-or-load-many.ts';
import { type CacheOptions, type GetOptions, optionsOfCall, resolveCacheOptions, type SetOptions } from './options.ts';
import { deleteMatching, type KeyPattern, scan } from './scan.ts';
import { type CacheSnapshot, dump, restore } from './snapshot.ts';
import type { CacheStatistics } from './statistics.ts';
import { type WarmOptions, type WarmResult, warm } from './warm.ts';
import { type KeyOf, wrapped } from './wrap.ts';

/** How long {@link Cache.close} waits. */
export interface CacheCloseOptions {
  /** At most so many milliseconds, then loads are aborted and writings given up; default 5,000. */
  readonly timeoutMs?: number | undefined;
}

const CLOSE_TIMEOUT_MS = 5_000;

/** A cache; see the head of this file. Made by {@link createCache}. */
export class Cache<Value> implements EventSource<CacheEvents> {
  /** Its name in events and errors. */
  readonly name: string;
  private readonly core: CacheCore<Value>;
  private readonly loading: Loading<Value>;
  private readonly changes: Changes<Value>;
  private closed = false;

  constructor(options: CacheOptions<Value>) {
    this.core = new CacheCore(resolveCacheOptions(options));
    this.name = this.core.name;
    this.loading = new Loading(this.core, timeoutQueueOf(this.core.clock));
    this.changes = new Changes(this.core, this.loading);
  }

  /** What it has done so far. */
  get statistics(): CacheStatistics {
    const { size: entries, bytes, evicted, expired, idle, tooLarge } = this.core.memory.statistics;
    return { ...this.core.counters, entries, bytes, evicted, expired, idle, tooLarge };
  }

  on<Type extends keyof CacheEvents>(type: Type, listener: (event: EventOf<CacheEvents, Type>) => void): () => void;
  on(type: '*', listener: (event: AnyEventOf<CacheEvents>) => void): () => void;
  on(type: never, listener: (event: never) => void): () => void {
    return this.core.channel.on(type, listener as (event: EventMap) => void);
  }

  /** The fresh value of `key` in memory, at once; undefined when there is none. Counts as no use: it may leave all the same. */
  peek(key: CacheKey): Value | undefined {
    const { core } = this;
    const entry = core.glance(memoryKey(key));
    return entry !== undefined && core.memory.now() < entry.freshUntil ? core.shown(entry.value) : undefined;
  }

  /**
   * The fresh value of `key` in memory, at once, read as by {@link get}: a hit, and a reason to keep it. Undefined when
   * there is none, which is counted by the call that loads it then.
   */
  getIfPresent(key: CacheKey): Value | undefined {
    return this.core.use(memoryKey(key));
  }

  /** The fresh value of `key`, from memory or the second tier; undefined when there is none. Loads nothing. */
  get(key: CacheKey, options?: GetOptions): Promise<Value | undefined> {
    try {
      const { core } = this;
      const text = memoryKey(key);
      const entry = core.find(text);
      if (entry !== undefined && core.memory.now() < entry.freshUntil) {
        core.countHit('memory', false, text);
        return core.promised(entry.value);
      }
      core.countMiss(text);
      if (core.tier === undefined || this.closed) return Promise.resolve(undefined);
      return this.loading.look({ key, text, loader: undefined, options: optionsOfCall(core.options, options) });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Whether `key` has a fresh value, in memory or in the second tier. */
  async has(key: CacheKey, options?: GetOptions): Promise<boolean> {
    return (await this.get(key, options)) !== undefined;
  }

  /**
   * The value of `key`; loads it where there is none. Callers who ask at the same time share one load, its value and its
   * error.
   *
   * Rejects with what the loader rejects with, a CacheTimeoutError when `hardTimeoutMs` is over, a CacheLoadTimeoutError
   * when the load took `maxLoadMs`, or the reason of the caller's signal.
   */
  getOrLoad<Key extends CacheKey>(key: Key, loader: Loader<Value, Key>, options?: GetOptions): Promise<Value> {
    try {
      const { core } = this;
      const text = typeof key === 'string' && key.charCodeAt(0) > 31 ? key : memoryKey(key);
      const entry = core.find(text);
      if (entry !== undefined) {
        const now = core.memory.now();
        if (now < entry.freshUntil) {
          core.countHit('memory', false, text);
          if (now >= entry.eagerAt) this.refresh(key, text, loader, options, entry);
          return core.options.values === 'cloned' ? core.promised(entry.value) : Promise.resolve(entry.value);
        }
      }
      if (this.closed) throw new CacheClosedError(this.name);
      const request = { key, text, loader, options: optionsOfCall(core.options, options) };
      return this.loading.ask(request, entry);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Gives `key` a value, in memory at once; resolves when the second tier has it, or has been given up for now. A load of
   * the key that runs is not kept. `null` is kept only for `negativeTtlMs`, `undefined` never: then the key is deleted.
   */
  async set(key: CacheKey, value: Value, options?: SetOptions): Promise<void> {
    if (this.closed) throw new CacheClosedError(this.name);
    const { etag, ...rest } = options ?? {};
    await this.changes.set(memoryKey(key), value, optionsOfCall(this.core.options, rest), etag);
  }

  /** Removes `key`, in memory at once; resolves when the second tier has done so, or has been given up for now. True when memory had it. */
  async delete(key: CacheKey): Promise<boolean> {
    return this.changes.delete(memoryKey(key));
  }

  /** Invalidates everything that has one of these tags. */
  async invalidateTags(...tags: readonly string[]): Promise<void> {
    if (tags.length > 0) await this.changes.invalidate(tags);
  }

  /** Removes everything that is in this cache's namespace: at once from memory, and by a new generation from the second tier. */
  async clear(): Promise<void> {
    await this.changes.clear();
  }

  /** The values of many keys, in their order; undefined for those that have none. One question to the second tier. */
  getMany(keys: readonly CacheKey[], options?: GetOptions): Promise<(Value | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key, options)));
  }

  /** Sets many keys. */
  async setMany(entries: Iterable<readonly [CacheKey, Value]>, options?: SetOptions): Promise<void> {
    await Promise.all(Array.from(entries, ([key, value]) => this.set(key, value, options)));
  }

  /** The values of many keys, in their order; those that are missing are loaded in one call. Undefined for those that it has no value for. */
  getOrLoadMany<Key extends CacheKey>(
    keys: readonly Key[],
    loader: ManyLoader<Value, Key>,
    options?: GetOptions,
  ): Promise<(Value | undefined)[]> {
    return getOrLoadMany(this, keys, loader, options);
  }

  /** Loads `key` in the background where it has no fresh value. Never fails; a load that does becomes an event. */
  prefetch<Key extends CacheKey>(key: Key, loader: Loader<Value, Key>, options?: GetOptions): void {
    if (this.closed) return;
    const text = checkKey(memoryKey(key));
    const entry = this.core.glance(text);
    if (entry === undefined || this.core.memory.now() >= entry.freshUntil)
      this.refresh(key, text, loader, options, entry);
  }

  /** Loads what is missing of many keys, in batches, some at a time. Never fails; says what has become of them. */
  warm<Key extends CacheKey>(
    keys: Iterable<Key> | AsyncIterable<Key>,
    loader: ManyLoader<Value, Key>,
    options?: WarmOptions,
  ): Promise<WarmResult> {
    return warm(
      keys,
      (batch) => this.getOrLoadMany(batch, loader),
      options,
      this.core.clock,
      (error) => this.core.tell('hook-failed', undefined, { hook: 'onProgress', error, outcome: 'failure' }),
    );
  }

  /** A function with the same parameters whose answers are kept under the key that `keyOf` makes of them. */
  wrap<Fn extends (this: never, ...parameters: never) => Value | PromiseLike<Value>>(
    fn: Fn,
    keyOf: KeyOf<ThisParameterType<Fn>, Parameters<Fn>>,
    options?: GetOptions,
  ): (this: ThisParameterType<Fn>, ...parameters: Parameters<Fn>) => Promise<Value> {
    return wrapped((key, load) => this.getOrLoad(key, load, options), fn as never, keyOf);
  }

  /** The same as a decorator of methods; objects share the cache, so the key has to tell them apart where it matters. */
  decorator<This, Parameters extends readonly unknown[]>(
    keyOf: KeyOf<This, Parameters>,
    options?: GetOptions,
  ): (
    method: (this: This, ...parameters: Parameters) => Promise<Value>,
  ) => (this: This, ...parameters: Parameters) => Promise<Value> {
    return (method) => wrapped((key, load) => this.getOrLoad(key, load, options), method, keyOf);
  }

  /** The keys that match, from both tiers, each once: `*` stands for any characters of a segment. */
  scan(pattern: KeyPattern): AsyncIterableIterator<CacheKey> {
    return scan(this.core, pattern);
  }

  /** Deletes the keys that match, from both tiers; resolves to how many there were. */
  deleteMatching(pattern: KeyPattern): Promise<number> {
    return deleteMatching((key) => this.delete(key), this.core, pattern);
  }

  /** What is known of `key`, wherever it is; undefined when it is nowhere. Counts as no use. */
  inspect(key: CacheKey): Promise<CacheInspection<Value> | undefined> {
    return inspection(this.core, memoryKey(key));
  }

  /** What is in memory, as plain data. */
  dump(): CacheSnapshot<Value> {
    return dump(this.core);
  }

  /** Puts what {@link Cache.dump} gave into memory, as far as it is still good. Gives how many entries that were. */
  load(snapshot: CacheSnapshot<Value>): number {
    return restore(this.core, snapshot, (text) => this.loading.fence(text));
  }

  /** @internal @throws ConfigurationError when these can't be the options of a call. */
  checkOptions(options: GetOptions): void {
    optionsOfCall(this.core.options, options);
  }

  /** Whether `key` is being loaded. */
  isLoading(key: CacheKey): boolean {
    return this.loading.isLoading(memoryKey(key));
  }

  /** The clock that it goes by. */
  get boundClock(): Clock {
    return this.core.clock;
  }

  /**
   * Takes no more loads and writings, waits for those that run, and lets go of everything. Resolves to how many loads had
   * to be aborted.
   */
  async close(options: CacheCloseOptions = {}): Promise<number> {
    this.closed = true;
    const { clock, tier, memory } = this.core;
    const timeoutMs = options.timeoutMs ?? CLOSE_TIMEOUT_MS;
    const until = clock.now() + timeoutMs;
    const aborted = await this.loading.finish(timeoutMs, new CacheClosedError(this.name));
    await tier?.close(Math.max(0, until - clock.now()));
    memory.clear();
    return aborted;
  }

  private refresh<Key extends CacheKey>(
    key: Key,
    text: string,
    loader: Loader<Value, Key>,
    options: GetOptions | undefined,
    entry: CacheEntry<Value> | undefined,
  ): void {
    if (this.closed) return;
    const { signal: _signal, ...resolved } = optionsOfCall(this.core.options, options);
    this.loading.refresh({ key, text, loader, options: resolved }, entry);
  }
}

/**
 * Makes a cache.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function createCache<Value>(options: CacheOptions<Value> = {}): Cache<Value> {
  return new Cache(options);
}
