/** What docs/coming-from/cacheable.md promises, in virtual time. */
import { createCache, type CacheOptions } from 'breakwater/cache';
import { seededRandom, VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { rejection } from '../../src/testing/test-support/watched.ts';
import { SharedStore } from '../../src/cache/test-support/shared-store.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const cacheOf = (options: CacheOptions<unknown> = {}) =>
  createCache<unknown>({ clock, random: seededRandom(1), jitterRatio: 0, ttlMs: 3_600_000, ...options });

describe('wrap', () => {
  it('takes the key that it is told, and the time of the call', async () => {
    const cache = cacheOf();
    const load = vi.fn(async (id: number) => ({ id }));
    const wrapped = cache.wrap(load, (id) => ['user', id], { ttlMs: 1_800_000 });
    await wrapped(7);
    await wrapped(7);
    expect([load.mock.calls.length, cache.peek(['user', 7])]).toEqual([1, { id: 7 }]);
    await clock.advance(1_800_000);
    await wrapped(7);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('cacheErrors is failureTtlMs', async () => {
    const cache = cacheOf();
    const load = vi.fn(() => Promise.reject(new Error('down')));
    const wrapped = cache.wrap(load, () => 'key', { failureTtlMs: 1_000 });
    for (let n = 0; n < 3; n++) expect(await rejection(wrapped())).toMatchObject({ message: 'down' });
    expect(load).toHaveBeenCalledTimes(1);
  });
});

describe('keys and values', () => {
  it('get, set and their likes have the same names; raw is inspect, and take is get and delete', async () => {
    const cache = cacheOf();
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ]);
    expect([await cache.getMany(['a', 'b', 'c']), await cache.has('a')]).toEqual([[1, 2, undefined], true]);
    await clock.advance(1_000);
    expect(await cache.inspect('a')).toMatchObject({ value: 1, ageMs: 1_000, freshMs: 3_599_000 });
    expect([await cache.get('a'), await cache.delete('a'), await cache.get('a')]).toEqual([1, true, undefined]);
    await cache.clear();
    expect(await cache.get('b')).toBeUndefined();
  });

  it('memory is bounded though nobody says so', async () => {
    const cache = cacheOf();
    for (let n = 0; n < 10_500; n++) await cache.set(`key ${n}`, n);
    expect(cache.statistics.entries).toBe(10_000);
  });
});

describe('secondary', () => {
  it('is the second tier; nonBlocking is writing behind', async () => {
    const store = new SharedStore(clock);
    const cache = cacheOf({ secondTier: { store, write: 'behind' } });
    await cache.set('a', 1);
    expect(store.kept.size).toBe(0);
    await clock.advance(100);
    expect(await cacheOf({ secondTier: { store } }).get('a')).toBe(1);
  });

  it('that fails is told by an event, and no error of a call', async () => {
    const store = new SharedStore(clock);
    const cache = cacheOf({ secondTier: { store } });
    const told: string[] = [];
    cache.on('cache-tier-failed', ({ operation }) => told.push(operation));
    store.failure = new Error('refused');
    expect([await cache.getOrLoad('a', () => 1), told]).toEqual([1, ['read']]);
  });
});
