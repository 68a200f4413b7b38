import type { Clock } from '../../clock/clock.ts';
import type { Random } from '../../clock/random.ts';
import type { CacheEntry } from '../cache-entry.ts';
import type { CacheEvents } from '../events.ts';
import type { CacheCounters } from '../statistics.ts';
import type { MemoryStore } from '../stores/memory/memory-store.ts';

/** A value of the second tier. */
export interface TierValue<Value> {
  readonly value: Value;
  /** How long it is fresh yet; 0 or less: it is stale. */
  readonly freshMs: number;
  /** How long it may be served beyond that. */
  readonly graceMs: number;
  readonly ageMs: number;
  readonly tags: readonly string[];
  readonly etag: string | undefined;
  readonly version: number;
}

/** What the second tier says of a key. */
export interface TierAnswer<Value> {
  readonly found: TierValue<Value> | undefined;
  /** The version of the key, 0 when it isn't there; undefined when nothing is known. */
  readonly version: number | undefined;
  /** The generations under which a value that is loaded now is written. */
  readonly generations: ReadonlyMap<string, string>;
}

const noGenerations: ReadonlyMap<string, string> = new Map();

/** Nothing is known of the key: nobody was asked, or nobody has answered. */
export const NOTHING_KNOWN: TierAnswer<never> = Object.freeze({
  found: undefined,
  version: undefined,
  generations: noGenerations,
});

/** What the tier needs of its cache. */
export interface TierOwner<Value> {
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: CacheCounters;
  readonly memory: MemoryStore<CacheEntry<Value>>;
  tell<Type extends keyof CacheEvents>(type: Type, text: string | undefined, details: CacheEvents[Type]): void;
}
