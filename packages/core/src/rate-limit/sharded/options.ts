import { type Random, systemRandom } from '../../clock/random.ts';
import { ConfigurationError, type ConfigurationFault } from '../../errors/configuration-error.ts';
import { describe } from '../../options/resolve.ts';
import type { LimitTerms } from '../limit-options.ts';
import type { LimitStoreSource } from '../shared/limit-store.ts';
import type { SharedLimiterSettings, SharedOneLimitOptions } from '../shared/options.ts';

/** Options of a sharded limiter: one limit, and where its shards lie. The rest is as in a shared limiter, for each shard. */
export interface ShardedRateLimiterOptions extends LimitTerms, Omit<SharedLimiterSettings, 'store' | 'shadow'> {
  /** The stores that shards lie on, one after the other: at least one, such as a `redisLimits(…)` for each node. */
  readonly stores: readonly LimitStoreSource[];
  /** Into how many shards the limit is divided: an integer of at least 2; default the number of stores, at least 2. */
  readonly shards?: number | undefined;
  /** How many keys it remembers the state of, for its choices: an integer of at least 1; default 10,000. */
  readonly maxKeys?: number | undefined;
}

/** What a sharded limiter has when nothing else is said. */
export const SHARDED_RATE_LIMITER_DEFAULTS: { readonly maxKeys: number } = Object.freeze({ maxKeys: 10_000 });

/** What a sharded limiter is made of. */
export interface ResolvedShardedOptions {
  readonly shards: readonly SharedOneLimitOptions[];
  readonly maxKeys: number;
  readonly random: Random;
}

/**
 * Divides the limit: the numbers of the shards sum to its own exactly, the larger ones first. What is wrong with the rest
 * is found out when the shards are made.
 *
 * @throws ConfigurationError
 */
export function resolveShardedOptions(given: ShardedRateLimiterOptions): ResolvedShardedOptions {
  const { stores, shards: wanted, maxKeys = SHARDED_RATE_LIMITER_DEFAULTS.maxKeys, ...each } = given;
  const faults: ConfigurationFault[] = [];
  const fault = (name: string, expected: string, value: unknown): void =>
    void faults.push({ path: `shardedRateLimiter.${name}`, expected, received: describe(value) });
  if (!Array.isArray(stores) || stores.length === 0) fault('stores', 'a list of at least one store', stores);
  const count = wanted ?? Math.max(2, stores?.length ?? 0);
  if (!Number.isSafeInteger(count) || count < 2) fault('shards', 'an integer of at least 2', wanted);
  if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) fault('maxKeys', 'an integer of at least 1', maxKeys);
  for (const name of ['limit', 'burst'] as const) {
    const value = given[name];
    if (value !== undefined && value < count) fault(name, `at least ${count}, one for each shard`, value);
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  const shards = Array.from({ length: count }, (_, at) => ({
    ...each,
    limit: partOf(given.limit, count, at),
    ...(given.burst === undefined ? {} : { burst: partOf(given.burst, count, at) }),
    namespace: `${given.namespace}~${at}`,
    store: stores[at % stores.length]!,
  }));
  return { shards, maxKeys, random: given.random ?? systemRandom };
}

function partOf(whole: number, parts: number, at: number): number {
  return Math.floor(whole / parts) + (at < whole % parts ? 1 : 0);
}
