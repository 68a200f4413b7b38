import { ConfigurationError } from '../errors/configuration-error.ts';
import { describe } from '../options/resolve.ts';
import type { ExecutionContext } from '../policy/context.ts';
import type { AroundPolicy } from '../policy/policy.ts';
import type { Cache } from './cache.ts';
import type { CacheKey } from './cache-key.ts';
import type { EntryOptions } from './options.ts';

/** How a pipeline uses a cache. */
export interface CachedOptions extends Omit<
  EntryOptions,
  'staleWhileRevalidateMs' | 'eagerRefreshRatio' | 'softTimeoutMs'
> {
  /** What a call is kept under: a key, or what makes one from its context; a call without is not cached. Default: the key of the call. */
  readonly key?: CacheKey | ((context: ExecutionContext) => CacheKey | undefined) | undefined;
  /** The name of the policy in events; default: the cache's. */
  readonly name?: string | undefined;
}

/** The policy: what {@link cached} makes. */
export interface CachedPolicy extends AroundPolicy<object, never> {
  readonly kind: 'cached';
  readonly name: string;
}

/** Ends a load whose call was ended: for those who waited for it, to load themselves. */
class LeaderGone extends Error {}

/**
 * Answers calls from a cache: what is inside runs only where there is no fresh value, once for all calls of a key that
 * come at the same time. A call that ends while others wait for its load hands the load on to one of them.
 *
 * The load is part of a call, so nothing is loaded in the background: staleness within a window and eager refresh don't
 * apply here, `staleIfErrorMs` does.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function cached<Value>(cache: Cache<Value>, options: CachedOptions = {}): CachedPolicy {
  const { key, name = cache.name, ...entry } = options;
  if (typeof (cache as Partial<Cache<Value>> | undefined)?.getOrLoad !== 'function') {
    throw new ConfigurationError([{ path: 'cached.cache', expected: 'a cache', received: describe(cache) }]);
  }
  cache.checkOptions(entry);
  const keyOf = typeof key === 'function' ? key : (context: ExecutionContext) => key ?? context.key;
  const callOptions = { ...entry, staleWhileRevalidateMs: 0, eagerRefreshRatio: 1 };
  return {
    kind: 'cached',
    name,
    async around(context, next) {
      const own = keyOf(context);
      if (own === undefined) return next();
      const load = async (): Promise<Value> => {
        try {
          return (await next()) as Value;
        } catch (error) {
          throw context.signal.aborted ? new LeaderGone(undefined, { cause: error }) : error;
        }
      };
      for (;;) {
        try {
          return await cache.getOrLoad(own, load, callOptions);
        } catch (error) {
          if (!(error instanceof LeaderGone)) throw error;
          if (context.signal.aborted) throw error.cause;
        }
      }
    },
  };
}
