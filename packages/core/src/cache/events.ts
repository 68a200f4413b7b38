import type { HookFailedEvent } from '../events/event.ts';
import type { RemovalCause } from './stores/memory/options.ts';

/** Where a value came from. */
export type CacheTierName = 'memory' | 'second';

/** A value was given at once. */
export interface CacheHitEvent {
  readonly tier: CacheTierName;
  readonly stale: boolean;
}

/** A load has given a value. */
export interface CacheLoadEvent {
  readonly durationMs: number;
  readonly outcome: 'success';
  /** `kept`, `skipped` by its loader or because null is not kept, `fenced` by an invalidation meanwhile. */
  readonly disposition: 'kept' | 'skipped' | 'fenced';
}

/** A load failed. */
export interface CacheLoadFailedEvent {
  readonly durationMs: number;
  readonly outcome: 'failure';
  readonly error: unknown;
  /** True when its callers were given a stale value instead. */
  readonly servedStale: boolean;
}

/** An entry left memory by itself. */
export interface CacheRemovedEvent {
  readonly cause: RemovalCause;
}

/** Something was invalidated. */
export interface CacheInvalidatedEvent {
  readonly what: 'key' | 'tags' | 'all';
  readonly tags: readonly string[];
  /** True when another process said so. */
  readonly remote: boolean;
}

/** The second tier failed. */
export interface CacheTierFailedEvent {
  readonly operation: string;
  readonly error: unknown;
}

/** The second tier is not asked any more for a while, or is asked again. */
export interface CacheTierStateEvent {
  readonly state: 'available' | 'unavailable';
}

/** Something stored could not be read and was removed. */
export interface CachePoisonEvent {
  /** `not ours`, `torn`, `another schema`, `unknown codec`, `undecodable`, `invalid`. */
  readonly fault: string;
  readonly error: unknown;
}

/** Writings to the second tier were given up. */
export interface CacheLostEvent {
  readonly writes: number;
  readonly reason: 'queue-full' | 'closed';
}

/** The bus between processes went or came back. */
export interface CacheBusEvent {
  readonly state: 'lost' | 'connected';
}

/** A load ended after its cache had given it up. */
export interface CacheLateLoadEvent {
  readonly outcome: 'success' | 'failure';
}

/** The events of a cache. */
export interface CacheEvents {
  'cache-hit': CacheHitEvent;
  /** There was no value that could be given at once. */
  'cache-miss': object;
  'cache-load': CacheLoadEvent;
  'cache-load-failed': CacheLoadFailedEvent;
  'cache-late-load': CacheLateLoadEvent;
  'cache-removed': CacheRemovedEvent;
  'cache-invalidated': CacheInvalidatedEvent;
  'cache-tier-failed': CacheTierFailedEvent;
  'cache-tier-state': CacheTierStateEvent;
  'cache-poison': CachePoisonEvent;
  'cache-lost': CacheLostEvent;
  'cache-bus': CacheBusEvent;
  'hook-failed': HookFailedEvent;
}
