/** What docs/coming-from/cache-manager.md promises, in virtual time. */
import { createCache, type CacheOptions } from 'breakwater/cache';
import { seededRandom, VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SharedStore } from '../../src/cache/test-support/shared-store.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const cacheOf = (options: CacheOptions<unknown> = {}) =>
  createCache<unknown>({ clock, random: seededRandom(1), jitterRatio: 0, ttlMs: 10_000, ...options });

describe('wrap', () => {
  it('with a refreshThreshold of 3,000 is eagerRefreshRatio 0.7 of 10,000', async () => {
    const cache = cacheOf({ eagerRefreshRatio: 0.7 });
    let loads = 0;
    const load = vi.fn(() => ++loads);
    await cache.getOrLoad('key', load);
    await clock.advance(6_999);
    expect([await cache.getOrLoad('key', load), loads]).toEqual([1, 1]);
    await clock.advance(1);
    expect(await cache.getOrLoad('key', load)).toBe(1);
    await clock.advance(0);
    expect([await cache.getOrLoad('key', load), loads]).toEqual([2, 2]);
  });

  it('refreshes both tiers, whichever the value was found in', async () => {
    const store = new SharedStore(clock);
    const cache = () => cacheOf({ eagerRefreshRatio: 0.7, secondTier: { store } });
    await cache().getOrLoad('key', () => 'old');
    await clock.advance(7_000);
    const other = cache();
    expect(await other.getOrLoad('key', () => 'new')).toBe('old');
    await clock.advance(0);
    expect([other.peek('key'), await cache().get('key')]).toEqual(['new', 'new']);
  });

  it('a ttl that depends on the value is said by the loader, and what is not to be kept too', async () => {
    const cache = cacheOf();
    await cache.getOrLoad('short', (_key, { describe: tell }) => {
      tell({ ttlMs: 1_000 });
      return 1;
    });
    await cache.getOrLoad('none', (_key, { skip }) => skip(1));
    await clock.advance(999);
    expect([cache.peek('short'), cache.peek('none')]).toEqual([1, undefined]);
    await clock.advance(1);
    expect(cache.peek('short')).toBeUndefined();
  });
});

describe('the other calls', () => {
  it('del is delete, mget and mset are getMany and setMany, and ttl is what inspect says', async () => {
    const cache = cacheOf();
    await cache.setMany(
      [
        ['a', 1],
        ['b', 2],
      ],
      { ttlMs: 5_000 },
    );
    await clock.advance(1_000);
    expect([await cache.getMany(['a', 'b']), (await cache.inspect('a'))?.freshMs]).toEqual([[1, 2], 4_000]);
    expect([await cache.delete('a'), await cache.has('a')]).toEqual([true, false]);
  });

  it('keep undefined never, and null only where its time is said', async () => {
    const cache = cacheOf();
    const load = vi.fn(() => null);
    for (let n = 0; n < 2; n++) await cache.getOrLoad('a', load);
    for (let n = 0; n < 2; n++) await cache.getOrLoad('b', load, { negativeTtlMs: 1_000 });
    expect(load).toHaveBeenCalledTimes(3);
  });
});
