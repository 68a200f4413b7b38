import { describe, expect, it, vi } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { deferred, rejection, watched } from '../testing/test-support/watched.ts';
import { createCache } from './cache.ts';
import { cacheOf } from './test-support/cache-of.ts';
import { SharedStore } from './test-support/shared-store.ts';

describe('get and has', () => {
  it('know a key in either tier, and none that is in neither', async () => {
    const clock = new VirtualClock();
    const store = new SharedStore(clock);
    const [one, two] = [1, 2].map((seed) =>
      createCache<unknown>({ clock, random: seededRandom(seed), secondTier: { store } }),
    ) as [ReturnType<typeof createCache>, ReturnType<typeof createCache>];
    await one.set('a', 1);
    expect([await one.has('a'), await two.has('a'), await two.has('b')]).toEqual([true, true, false]);
  });

  it('reject with what is wrong with a key, and never throw', async () => {
    const { cache } = cacheOf<unknown>();
    expect(await rejection(cache.get([]))).toMatchObject({ code: 'CACHE_INVALID_KEY' });
    expect(await rejection(cache.has([['nested']] as never))).toMatchObject({ code: 'CACHE_INVALID_KEY' });
  });

  it('ask no second tier once the cache is closed', async () => {
    const clock = new VirtualClock();
    const store = new SharedStore(clock);
    const cache = createCache<unknown>({ clock, random: seededRandom(1), secondTier: { store } });
    await cache.close();
    expect([await cache.get('a'), store.calls]).toEqual([undefined, []]);
  });
});

describe('getIfPresent', () => {
  it('gives what memory has fresh, at once, and counts that as a hit', async () => {
    const { cache, clock } = cacheOf<unknown>({ ttlMs: 1_000, staleIfErrorMs: 5_000 });
    const told = vi.fn();
    cache.on('*', ({ type, key }) => told(type, key));
    await cache.set(['user', 1], 'one');
    expect([cache.getIfPresent(['user', 1]), cache.statistics.memoryHits]).toEqual(['one', 1]);
    expect(told.mock.calls).toEqual([['cache-hit', 'user:1']]);
    await clock.advance(1_000);
    expect([cache.getIfPresent(['user', 1]), cache.statistics.memoryHits]).toEqual([undefined, 1]);
  });

  it('leaves the counting of a miss to the call that loads then', async () => {
    const { cache } = cacheOf<unknown>();
    const read = async (): Promise<unknown> => cache.getIfPresent('a') ?? (await cache.getOrLoad('a', () => 1));
    expect([await read(), await read(), await read()]).toEqual([1, 1, 1]);
    const { memoryHits, misses, loads } = cache.statistics;
    expect({ memoryHits, misses, loads }).toEqual({ memoryHits: 2, misses: 1, loads: 1 });
  });

  it('keeps what is read by it, where peek does not', async () => {
    for (const [look, kept] of [
      ['getIfPresent', 'read'],
      ['peek', undefined],
    ] as const) {
      const { cache } = cacheOf<unknown>({ maxEntries: 10 });
      await cache.set('a', 'read');
      for (let n = 0; n < 100; n++) {
        cache[look]('a');
        await cache.set(n.toString(), n);
      }
      expect([look, cache.peek('a')]).toEqual([look, kept]);
    }
  });

  it('knows a value that is known to be missing, and none that was invalidated', async () => {
    const { cache } = cacheOf<unknown>({ negativeTtlMs: 1_000 });
    await cache.set('missing', null);
    await cache.set('a', 1, { tags: ['t'] });
    await cache.invalidateTags('t');
    expect([cache.getIfPresent('missing'), cache.getIfPresent('a')]).toEqual([null, undefined]);
  });

  it('gives a copy of its own where values are cloned', async () => {
    const { cache } = cacheOf<unknown>({ values: 'cloned' });
    await cache.set('a', { n: 1 });
    expect(cache.getIfPresent('a')).toEqual({ n: 1 });
    expect(cache.getIfPresent('a')).not.toBe(cache.getIfPresent('a'));
  });
});

describe('set', () => {
  it.each([null, undefined])('of %s, which is not kept, removes what was there', async (nothing) => {
    const { cache } = cacheOf<unknown>();
    await cache.set('a', 1);
    await cache.set('a', nothing);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('of a value that can not be cloned rejects where values are', async () => {
    const { cache } = cacheOf<unknown>({ values: 'cloned' });
    expect(await rejection(cache.set('a', () => 1))).toMatchObject({ name: 'DataCloneError' });
  });
});

describe('tags', () => {
  it('that are none invalidate nothing', async () => {
    const { cache } = cacheOf<unknown>();
    const told = vi.fn();
    cache.on('cache-invalidated', told);
    await cache.set('a', 1, { tags: ['t'] });
    await cache.invalidateTags();
    expect([cache.peek('a'), told.mock.calls.length]).toEqual([1, 0]);
  });

  it('of a call come to those of the cache', async () => {
    const { cache } = cacheOf<unknown>({ tags: ['all'] });
    await cache.set('a', 1, { tags: ['t'] });
    await cache.set('b', 1);
    await cache.invalidateTags('t');
    expect([cache.peek('a'), cache.peek('b')]).toEqual([undefined, 1]);
    await cache.invalidateTags('all');
    expect(cache.peek('b')).toBeUndefined();
  });
});

describe('prefetch and eager refresh', () => {
  it('leave a fresh value alone, and load a stale one', async () => {
    const { clock, cache } = cacheOf<unknown>({ staleIfErrorMs: 5_000 });
    const load = vi.fn(() => 'new');
    await cache.set('a', 'old');
    cache.prefetch('a', load);
    expect(load).not.toHaveBeenCalled();
    await clock.advance(1_000);
    cache.prefetch('a', load);
    await clock.advance(0);
    expect([load.mock.calls.length, cache.peek('a')]).toEqual([1, 'new']);
  });

  it('load nothing any more once the cache is closed', async () => {
    const { clock, cache } = cacheOf<unknown>({ eagerRefreshRatio: 0.5 });
    const load = vi.fn(() => 'new');
    await cache.set('a', 'old');
    const closing = cache.close();
    cache.prefetch('b', load);
    await clock.advance(600);
    await closing;
    expect(load).not.toHaveBeenCalled();
  });

  it('serve what is fresh and load nothing while the cache closes', async () => {
    const { clock, cache } = cacheOf<unknown>({ eagerRefreshRatio: 0.5 });
    const slow = deferred<unknown>();
    const load = vi.fn(() => 'new');
    await cache.set('a', 'old');
    const waiting = watched(cache.getOrLoad('b', () => slow.promise));
    const closing = cache.close();
    await clock.advance(600);
    expect(await cache.getOrLoad('a', load)).toBe('old');
    slow.resolve('b');
    await closing;
    expect([waiting.value, load.mock.calls.length]).toEqual(['b', 0]);
  });
});

describe('many keys', () => {
  it('of which one has to be loaded after all, when the others have gone, load that alone', async () => {
    const { clock, cache } = cacheOf<string>({ staleIfErrorMs: 0 });
    const single = deferred();
    const running = watched(cache.getOrLoad('a', () => single.promise));
    const asked: (readonly string[])[] = [];
    const many = watched(
      cache.getOrLoadMany(['a', 'b'], (keys: readonly string[]) => {
        asked.push(keys);
        return new Map(keys.map((key) => [key, `many ${key}`]));
      }),
    );
    await clock.advance(0);
    // Who came after the invalidation of a tag that the running load turns out to have takes the next flight.
    await cache.invalidateTags('t');
    const late = watched(
      cache.getOrLoadMany(['a'], (keys: readonly string[]) => {
        asked.push(keys);
        return keys.map((key) => `late ${key}`);
      }),
    );
    single.reject(new Error('down'));
    await clock.advance(0);
    expect(running.error).toMatchObject({ message: 'down' });
    expect(many.error).toMatchObject({ message: 'down' });
    expect(late.error).toMatchObject({ message: 'down' });
    expect(asked).toEqual([['b']]);
    expect(await cache.getOrLoadMany(['a', 'b'], (keys) => keys.map((key) => `again ${key}`))).toEqual([
      'again a',
      'many b',
    ]);
  });

  it('are loaded alone where the flight that served them is void', async () => {
    const { clock, cache } = cacheOf<string>();
    const single = deferred();
    const first = watched(
      cache.getOrLoad('a', (_key, { describe: tell }) => {
        tell({ tags: ['t'] });
        return single.promise;
      }),
    );
    await cache.invalidateTags('t');
    const asked: (readonly string[])[] = [];
    const many = watched(
      cache.getOrLoadMany(['a', 'b'], (keys: readonly string[]) => {
        asked.push(keys);
        return keys.map((key) => `many ${key}`);
      }),
    );
    await clock.advance(0);
    single.resolve('old');
    await clock.advance(0);
    expect([first.value, many.value, asked]).toEqual(['old', ['many a', 'many b'], [['b'], ['a']]]);
  });
});

describe('warming', () => {
  it('ends early when its signal is aborted, counts what fails, and goes on when its hook throws', async () => {
    const { cache } = cacheOf<unknown>();
    const failures: unknown[] = [];
    cache.on('hook-failed', ({ hook }) => failures.push(hook));
    const controller = new AbortController();
    const keys = Array.from({ length: 300 }, (_, n) => `key ${n}`);
    const result = await cache.warm(
      keys,
      (batch) => {
        if (batch.includes('key 100')) throw new Error('down');
        if (batch.includes('key 150')) controller.abort();
        return batch.map(() => 1);
      },
      {
        batchSize: 50,
        concurrency: 1,
        signal: controller.signal,
        onProgress: () => {
          throw new Error('bug');
        },
      },
    );
    expect(result).toMatchObject({ done: 200, failed: 50 });
    expect(result.errors).toHaveLength(1);
    expect(failures).toEqual(Array.from({ length: 4 }, () => 'onProgress'));
  });

  it('of keys that are none loads nothing, and remembers a bounded number of errors', async () => {
    const { cache } = cacheOf<unknown>();
    const load = vi.fn((): never => {
      throw new Error('down');
    });
    expect(await cache.warm([], load)).toMatchObject({ done: 0, failed: 0, errors: [] });
    const result = await cache.warm(
      Array.from({ length: 150 }, (_, n) => `key ${n}`),
      load,
      { batchSize: 1, concurrency: 1 },
    );
    expect([result.failed, result.errors.length]).toEqual([150, 100]);
  });
});

describe('patterns', () => {
  it('delete more keys than are deleted at once, and pass over those that were hashed', async () => {
    const clock = new VirtualClock();
    const store = new SharedStore(clock);
    const cacheOn = () => createCache<unknown>({ clock, random: seededRandom(1), secondTier: { store } });
    const writer = cacheOn();
    await writer.setMany([
      ...Array.from({ length: 150 }, (_, n) => [`user:${n}`, n] as const),
      ['other', 1],
      ['user:'.repeat(100), 1],
    ]);
    const cache = cacheOn();
    expect(await cache.deleteMatching('user:*')).toBe(150);
    const left: unknown[] = [];
    for await (const key of cacheOn().scan('*')) left.push(key);
    expect(left.filter((key) => key !== 'other')).toHaveLength(150);
    expect(await cacheOn().get('user:7')).toBeUndefined();
    expect(await cacheOn().get('user:'.repeat(100))).toBe(1);
  });
});

describe('a dump', () => {
  it('leaves out what was invalidated, and takes up nothing that has expired since', async () => {
    const { cache } = cacheOf<unknown>();
    await cache.setMany([
      ['short', 1],
      ['long', 2],
    ]);
    await cache.set('long', 2, { ttlMs: 60_000 });
    await cache.set('void', 3, { tags: ['t'] });
    await cache.invalidateTags('t');
    const snapshot = cache.dump();
    expect(snapshot.entries.map(({ key }) => key).toSorted()).toEqual(['long', 'short']);
    const { clock, cache: other } = cacheOf<unknown>();
    clock.setWallTime(snapshot.takenAt + 5_000);
    expect([other.load(snapshot), other.peek('long'), other.peek('short')]).toEqual([1, 2, undefined]);
  });
});

describe('a key', () => {
  it('of segments is told to people as segments, and refused when one is neither text nor number', async () => {
    const { cache } = cacheOf<unknown>();
    const told: unknown[] = [];
    cache.on('cache-miss', ({ key }) => told.push(key));
    await cache.get(['user', 7]);
    expect(told).toEqual(['user:7']);
    expect(await rejection(cache.get(['user', true as never]))).toMatchObject({ code: 'CACHE_INVALID_KEY' });
  });
});

describe('the clock of a cache', () => {
  it('is the one that it was given', () => {
    const { clock, cache } = cacheOf<unknown>();
    expect(cache.boundClock).toBe(clock);
  });
});
