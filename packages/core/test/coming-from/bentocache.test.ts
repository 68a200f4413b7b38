/** What docs/coming-from/bentocache.md promises, in virtual time. */
import { createCache, type CacheOptions } from 'breakwater/cache';
import { seededRandom, VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred, rejection, watched } from '../../src/testing/test-support/watched.ts';
import { SharedStore } from '../../src/cache/test-support/shared-store.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const cacheOf = (options: CacheOptions<unknown> = {}) =>
  createCache<unknown>({ clock, random: seededRandom(1), jitterRatio: 0, ttlMs: 60_000, ...options });
const down = (): never => {
  throw new Error('down');
};

describe('getOrSet', () => {
  it('is getOrLoad; grace is staleIfErrorMs, and graceBackoff failureTtlMs', async () => {
    const cache = cacheOf({ staleIfErrorMs: 3_600_000, failureTtlMs: 10_000 });
    await cache.getOrLoad('a', () => 'old');
    await clock.advance(60_000);
    const factory = vi.fn(down);
    for (let n = 0; n < 3; n++) expect(await cache.getOrLoad('a', factory)).toBe('old');
    expect(factory).toHaveBeenCalledTimes(1);
    await clock.advance(10_000);
    await cache.getOrLoad('a', factory);
    expect(factory).toHaveBeenCalledTimes(2);
  });

  it('timeout is softTimeoutMs while there is a stale value, and hardTimeout hardTimeoutMs where there is none', async () => {
    const cache = cacheOf({ staleIfErrorMs: 3_600_000, softTimeoutMs: 100, hardTimeoutMs: 500 });
    await cache.getOrLoad('a', () => 'old');
    await clock.advance(60_000);
    const slow = deferred<unknown>();
    const calls = [
      watched(cache.getOrLoad('a', () => slow.promise)),
      watched(cache.getOrLoad('b', () => slow.promise)),
    ];
    await clock.advance(100);
    expect(calls.map(({ value }) => value)).toEqual(['old', undefined]);
    await clock.advance(400);
    expect(calls[1]!.error).toMatchObject({ code: 'CACHE_TIMEOUT' });
  });

  it('timeout: 0 is staleWhileRevalidateMs', async () => {
    const cache = cacheOf({ staleWhileRevalidateMs: 1_000 });
    await cache.getOrLoad('a', () => 'old');
    await clock.advance(60_500);
    expect(await cache.getOrLoad('a', () => 'new')).toBe('old');
    await clock.advance(0);
    expect(cache.peek('a')).toBe('new');
  });

  it('ctx has its counterparts: skip, throw, describe, stale', async () => {
    const cache = cacheOf({ staleIfErrorMs: 60_000 });
    expect(await cache.getOrLoad('a', (_key, { skip }) => skip('once'))).toBe('once');
    expect(cache.peek('a')).toBeUndefined();
    expect(await rejection(cache.getOrLoad('a', down))).toMatchObject({ message: 'down' });
    await cache.getOrLoad('a', (_key, { describe: tell }) => {
      tell({ ttlMs: 300_000, tags: ['t'] });
      return 'long';
    });
    await clock.advance(299_999);
    expect(cache.peek('a')).toBe('long');
    await clock.advance(1);
    expect(await cache.getOrLoad('a', (_key, { stale }) => `${String(stale?.value)} again`)).toBe('long again');
  });

  it('deleteByTag is invalidateTags, and namespace(…) segments of a key', async () => {
    const cache = cacheOf();
    await cache.set(['users', 1], 'ada', { tags: ['people'] });
    await cache.set(['users', 2], 'bob');
    await cache.invalidateTags('people');
    expect(
      await cache.getMany([
        ['users', 1],
        ['users', 2],
      ]),
    ).toEqual([undefined, 'bob']);
    expect(await cache.deleteMatching(['users', '*'])).toBe(1);
  });
});

describe('what is different', () => {
  it('a second tier that hangs keeps nobody waiting longer than its soft deadline, and only once', async () => {
    const store = new SharedStore(clock);
    const cache = cacheOf({ secondTier: { store } });
    store.delayMs = Infinity;
    const first = watched(cache.getOrLoad('a', () => 1));
    await clock.advance(50);
    const second = watched(cache.getOrLoad('b', () => 2));
    await clock.advance(0);
    expect([first.value, second.value]).toEqual([1, 2]);
  });

  it('a loader that fails is called once for all who wait', async () => {
    const cache = cacheOf();
    const factory = vi.fn(() => Promise.reject(new Error('down')));
    await Promise.allSettled(Array.from({ length: 1_000 }, () => cache.getOrLoad('a', factory)));
    expect(factory).toHaveBeenCalledTimes(1);
  });

  it('a load that began before an invalidation is not kept after it', async () => {
    const cache = cacheOf();
    const load = deferred<unknown>();
    const call = watched(cache.getOrLoad('a', () => load.promise));
    await cache.delete('a');
    load.resolve('old');
    await clock.advance(0);
    expect([call.value, cache.peek('a')]).toEqual(['old', undefined]);
  });
});
