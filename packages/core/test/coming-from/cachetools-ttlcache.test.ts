/** What docs/coming-from/cachetools-ttlcache.md promises, in virtual time. */
import { createCache, lru, MemoryStore } from 'breakwater/cache';
import { seededRandom, VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { rejection } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** `TTLCache(maxsize=3, ttl=600)`. */
const ttlCache = (more: object = {}) =>
  new MemoryStore<number>({ maxEntries: 3, ttlMs: 600_000, jitterRatio: 0, eviction: lru, clock, ...more });

describe('TTLCache', () => {
  it('keeps so many, and lets go of the one that was used longest ago', () => {
    const cache = ttlCache();
    for (const [n, key] of ['a', 'b', 'c'].entries()) cache.set(key, n);
    cache.get('a');
    cache.set('d', 3);
    expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key))).toEqual([0, undefined, 2, 3]);
    expect([cache.size, [...cache.keys()].toSorted()]).toEqual([3, ['a', 'c', 'd']]);
  });

  it('keeps for so long, and has let go of what expired though nobody calls expire()', async () => {
    const cache = ttlCache();
    cache.set('a', 1);
    cache.set('b', 2, 60_000);
    await clock.advance(60_000);
    expect([cache.get('a'), cache.get('b'), cache.has('b')]).toEqual([1, undefined, false]);
    await clock.advance(542_000);
    expect(cache.size).toBe(0);
  });

  it('pop is peek and delete; get has no default', () => {
    const cache = ttlCache();
    cache.set('a', 1);
    expect([cache.peek('a'), cache.delete('a'), cache.get('a') ?? 7]).toEqual([1, true, 7]);
  });

  it('getsizeof is sizeOf with maxBytes', () => {
    const cache = ttlCache({ maxEntries: 100, maxBytes: 10, sizeOf: (value: number) => value });
    for (const size of [4, 5, 6]) cache.set(`of ${size}`, size);
    expect([cache.statistics.bytes, cache.has('of 4'), cache.has('of 6'), cache.set('too large', 11)]).toEqual([
      6,
      false,
      true,
      false,
    ]);
  });
});

describe('@cached', () => {
  const cacheOf = () =>
    createCache<number>({ clock, random: seededRandom(1), maxEntries: 1_024, ttlMs: 600_000, jitterRatio: 0 });

  it('is wrap: one call for those who call at the same time, and no lock', async () => {
    const fetchWeather = vi.fn(async (city: string, _unit: string) => city.length);
    const weather = cacheOf().wrap(fetchWeather, (city, unit) => ['weather', city, unit]);
    expect(await Promise.all([weather('Oslo', 'C'), weather('Oslo', 'C'), weather('Oslo', 'F')])).toEqual([4, 4, 4]);
    expect(fetchWeather).toHaveBeenCalledTimes(2);
  });

  it('keeps no exception', async () => {
    const call = vi.fn(() => Promise.reject(new Error('down')));
    const wrapped = cacheOf().wrap(call, () => 'key');
    for (let n = 0; n < 2; n++) await rejection(wrapped());
    expect(call).toHaveBeenCalledTimes(2);
  });

  it('cache_info() is statistics', async () => {
    const cache = cacheOf();
    for (let n = 0; n < 3; n++) await cache.getOrLoad('a', () => 1);
    expect(cache.statistics).toMatchObject({ memoryHits: 2, misses: 1, entries: 1 });
  });
});
