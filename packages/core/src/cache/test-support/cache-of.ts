import { seededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { type Cache, createCache } from '../cache.ts';
import type { CacheOptions } from '../options.ts';

/** A cache in virtual time whose values live for exactly a second. */
export function cacheOf<Value = string | null>(
  options: CacheOptions<Value> = {},
): { readonly clock: VirtualClock; readonly cache: Cache<Value> } {
  const clock = new VirtualClock();
  const cache = createCache<Value>({ clock, random: seededRandom(1), jitterRatio: 0, ttlMs: 1_000, ...options });
  return { clock, cache };
}

/** A loader whose source is down. */
export const down = (): never => {
  throw new Error('down');
};
