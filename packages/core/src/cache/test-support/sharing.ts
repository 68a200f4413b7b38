import { seededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { type Cache, createCache } from '../cache.ts';
import type { CacheOptions } from '../options.ts';
import type { SecondTierOptions } from '../tier/options.ts';
import { SharedStore } from './shared-store.ts';

/** Caches in virtual time that share one store, as processes do. */
export function sharing(): {
  readonly clock: VirtualClock;
  readonly store: SharedStore;
  /** One more cache on the store. */
  readonly cacheOn: (tier?: Partial<SecondTierOptions>, options?: CacheOptions<unknown>) => Cache<unknown>;
  /** How often the store was asked this. */
  readonly asked: (question: string) => number;
} {
  const clock = new VirtualClock();
  const store = new SharedStore(clock);
  let caches = 0;
  const cacheOn = (tier: Partial<SecondTierOptions> = {}, options: CacheOptions<unknown> = {}): Cache<unknown> =>
    createCache<unknown>({
      clock,
      random: seededRandom(++caches),
      jitterRatio: 0,
      ttlMs: 60_000,
      secondTier: { store, ...tier },
      ...options,
    });
  const asked = (question: string): number => store.calls.filter((call) => call === question).length;
  return { clock, store, cacheOn, asked };
}
