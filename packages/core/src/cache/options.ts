import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import { resolveOptions } from '../options/resolve.ts';
import {
  implementing,
  milliseconds,
  number,
  oneOf,
  positiveMilliseconds,
  ratio,
  type Rule,
  type Rules,
  text,
} from '../options/rules.ts';
import { policyOptionRules, type PolicyOptions } from '../policy/policy-base.ts';
import type { GuardPipeline } from './guard-pipeline.ts';
import { boundRules, lifetime, type MemoryBounds } from './stores/memory/options.ts';
import type { SecondTierOptions } from './tier/options.ts';

/** How long a value is good, and what callers get when it is not: for a whole cache, and for one call. */
export interface EntryOptions {
  /** How long a value is fresh: above 0, or Infinity; default one hour. */
  readonly ttlMs?: number | undefined;
  /** For how long after that a caller is given the stale value at once, while it is loaded anew; default 0. */
  readonly staleWhileRevalidateMs?: number | undefined;
  /** For how long after `ttlMs` the stale value stands in for a load that fails; default 0. */
  readonly staleIfErrorMs?: number | undefined;
  /** From which part of its life on a fresh value is loaded anew by a reader, in the background; above 0, at most 1; default: never. */
  readonly eagerRefreshRatio?: number | undefined;
  /** How long a caller waits for a load while there is a stale value to be had instead; default: as long as it takes. */
  readonly softTimeoutMs?: number | undefined;
  /** How long a caller waits at most, store and load included, before it fails with a CacheTimeoutError; default: as long as it takes. */
  readonly hardTimeoutMs?: number | undefined;
  /** How long a load may take before it is aborted; default 30,000. */
  readonly maxLoadMs?: number | undefined;
  /** For how long after a failed load callers are given its error, or the stale value, without another; default 0. */
  readonly failureTtlMs?: number | undefined;
  /** How long `null` is kept; default 0: it is not. */
  readonly negativeTtlMs?: number | undefined;
  /** What the value belongs to, to be invalidated together. */
  readonly tags?: readonly string[] | undefined;
}

/** What a caller may say about one question. */
export interface GetOptions extends EntryOptions {
  /** Ends this caller's wait when aborted, with its reason; the load goes on for others, and for the cache. */
  readonly signal?: AbortSignal | undefined;
}

/** What is said of a value that is set. */
export interface SetOptions extends GetOptions {
  /** What its source calls this version of it. */
  readonly etag?: string | undefined;
}

/** Options of a cache. */
export interface CacheOptions<Value> extends EntryOptions, MemoryBounds<Value>, PolicyOptions {
  /** What its keys begin with in the second tier, and its name in events and errors; default `cache`. */
  readonly namespace?: string | undefined;
  /** By how much `ttlMs` varies up and down; default 0.1. */
  readonly jitterRatio?: number | undefined;
  /**
   * What callers get: the object that was stored (default; who changes it changes it for all), the same object frozen
   * in depth, or a clone for each.
   */
  readonly values?: 'as-stored' | 'frozen' | 'cloned' | undefined;
  /** The pipeline under which loaders run. */
  readonly loaderPipeline?: GuardPipeline | undefined;
  /** The tier behind memory. */
  readonly secondTier?: SecondTierOptions | undefined;
}

/** What a cache does when nothing else is said. */
const CACHE_DEFAULTS: {
  readonly namespace: string;
  readonly jitterRatio: 0.1;
  readonly values: 'as-stored';
  readonly ttlMs: 3_600_000;
  readonly staleWhileRevalidateMs: 0;
  readonly staleIfErrorMs: 0;
  readonly softTimeoutMs: number;
  readonly hardTimeoutMs: number;
  readonly maxLoadMs: 30_000;
  readonly failureTtlMs: 0;
  readonly negativeTtlMs: 0;
} = Object.freeze({
  namespace: 'cache',
  jitterRatio: 0.1,
  values: 'as-stored',
  ttlMs: 3_600_000,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  softTimeoutMs: Infinity,
  hardTimeoutMs: Infinity,
  maxLoadMs: 30_000,
  failureTtlMs: 0,
  negativeTtlMs: 0,
});

/** A list of tags. */
function tagList(): Rule<readonly string[]> {
  return {
    expected: 'a list of texts that are not empty',
    accepts: (value): value is readonly string[] =>
      Array.isArray(value) && value.every((tag) => typeof tag === 'string' && tag !== ''),
  };
}

const entryRules: Rules<EntryOptions> = {
  ttlMs: lifetime(),
  staleWhileRevalidateMs: milliseconds(0, Infinity),
  staleIfErrorMs: milliseconds(0, Infinity),
  eagerRefreshRatio: ratio(),
  softTimeoutMs: milliseconds(0, Infinity),
  hardTimeoutMs: lifetime(),
  maxLoadMs: positiveMilliseconds(),
  failureTtlMs: milliseconds(),
  negativeTtlMs: milliseconds(),
  tags: tagList(),
};

const getRules: Rules<GetOptions> = {
  ...entryRules,
  signal: implementing<AbortSignal>('an AbortSignal', 'addEventListener', 'removeEventListener'),
};

const cacheRules: Rules<CacheOptions<never>> = {
  ...entryRules,
  ...boundRules,
  ...policyOptionRules,
  namespace: text(),
  jitterRatio: number(0, 0.99),
  values: oneOf('as-stored', 'frozen', 'cloned'),
  loaderPipeline: implementing<GuardPipeline>('a pipeline', 'execute'),
  secondTier: {
    expected: 'the options of a second tier, with a store',
    accepts: (value): value is SecondTierOptions => typeof value === 'object' && value !== null && 'store' in value,
  },
};

/** Entry options, complete. */
export interface ResolvedEntryOptions {
  readonly ttlMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly eagerRefreshRatio: number | undefined;
  readonly softTimeoutMs: number;
  readonly hardTimeoutMs: number;
  readonly maxLoadMs: number;
  readonly failureTtlMs: number;
  readonly negativeTtlMs: number;
  readonly tags: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Cache options, complete. */
export type ResolvedCacheOptions<Value> = CacheOptions<Value> &
  ResolvedEntryOptions & {
    readonly namespace: string;
    readonly jitterRatio: number;
    readonly values: 'as-stored' | 'frozen' | 'cloned';
  };

/** @throws ConfigurationError with all faults at once. */
export function resolveCacheOptions<Value>(given: CacheOptions<Value>): ResolvedCacheOptions<Value> {
  const options = resolveOptions('cache', given as CacheOptions<never>, CACHE_DEFAULTS, cacheRules);
  const faults: ConfigurationFault[] = [];
  if (options.namespace.includes('{') || options.namespace.includes('}')) {
    faults.push({ path: 'cache.namespace', expected: 'a name without braces', received: `'${options.namespace}'` });
  }
  if (options.maxEntries === Infinity && options.maxBytes === undefined) {
    faults.push({ path: 'cache.maxEntries', expected: 'a bound, by entries or by maxBytes', received: 'Infinity' });
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  return options as unknown as ResolvedCacheOptions<Value>;
}

/**
 * The options of one call over those of its cache.
 *
 * @throws ConfigurationError when they can't be meant.
 */
export function optionsOfCall(cache: ResolvedEntryOptions, given: GetOptions | undefined): ResolvedEntryOptions {
  if (given === undefined) return cache;
  const own = resolveOptions('cache call', given, {}, getRules);
  const tags =
    cache.tags === undefined || own.tags === undefined ? (own.tags ?? cache.tags) : [...cache.tags, ...own.tags];
  return { ...cache, ...own, tags } as ResolvedEntryOptions;
}

/** How long a value may be of use after it has become stale. */
export function graceOf(options: ResolvedEntryOptions): number {
  return Math.max(options.staleWhileRevalidateMs, options.staleIfErrorMs);
}
