/** What docs/coming-from/async-cache-dedupe.md promises, in virtual time. */
import { createCache, type CacheOptions } from 'breakwater/cache';
import { seededRandom, VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred, watched } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const cacheOf = (options: CacheOptions<unknown> = {}) =>
  createCache<unknown>({ clock, random: seededRandom(1), jitterRatio: 0, ttlMs: 5_000, ...options });

describe('define', () => {
  it('is wrap: callers at the same time share one call, and statistics count who did', async () => {
    const cache = cacheOf();
    const load = vi.fn(async (id: number) => ({ id }));
    const fetchUser = cache.wrap(load, (id) => ['user', id]);
    expect(await Promise.all([fetchUser(42), fetchUser(24), fetchUser(42)])).toEqual([
      { id: 42 },
      { id: 24 },
      { id: 42 },
    ]);
    expect([load.mock.calls.length, cache.statistics.sharedFlights]).toEqual([2, 1]);
  });

  it('stale is staleWhileRevalidateMs', async () => {
    const cache = cacheOf({ staleWhileRevalidateMs: 5_000 });
    await cache.getOrLoad('a', () => 'old');
    await clock.advance(9_999);
    expect(await cache.getOrLoad('a', () => 'new')).toBe('old');
    await clock.advance(0);
    expect(await cache.getOrLoad('a', () => 'newer')).toBe('new');
  });
});

describe('references', () => {
  it('are tags, of the call or said by the loader with the result', async () => {
    const cache = cacheOf();
    await cache.getOrLoad(['user', 1] as const, ([, id], { describe: tell }) => {
      tell({ tags: [`user~${id}`] });
      return 'by the loader';
    });
    await cache.getOrLoad('b', () => 'by the call', { tags: ['user~1'] });
    await cache.getOrLoad('c', () => 'other');
    await cache.invalidateTags('user~1');
    expect(await cache.getMany([['user', 1], 'b', 'c'])).toEqual([undefined, undefined, 'other']);
  });

  it('by pattern are deleteMatching', async () => {
    const cache = cacheOf();
    await cache.setMany([
      ['user 1', 1],
      ['user 2', 2],
      ['group', 3],
    ]);
    expect([await cache.deleteMatching('user*'), await cache.get('group')]).toEqual([2, 3]);
  });

  it('meet loads that run', async () => {
    const cache = cacheOf();
    const load = deferred<unknown>();
    const early = watched(cache.getOrLoad('a', () => load.promise, { tags: ['t'] }));
    await cache.invalidateTags('t');
    const late = watched(cache.getOrLoad('a', () => 'new', { tags: ['t'] }));
    load.resolve('old');
    await clock.advance(0);
    expect([early.value, late.value, cache.peek('a')]).toEqual(['old', 'new', 'new']);
  });
});
