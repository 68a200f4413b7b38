import { describe, expect, it, vi } from 'vitest';
import { deferred, microtasks } from '../testing/test-support/watched.ts';
import { cacheOf, down } from './test-support/cache-of.ts';

describe('many keys', () => {
  it('are loaded in one call, those that are missing only, each once, in their order', async () => {
    const { cache } = cacheOf();
    await cache.set('b', 'B');
    const load = vi.fn(async (keys: readonly string[]) =>
      keys.map((key) => (key === 'none' ? undefined : key.toUpperCase())),
    );
    const values = await cache.getOrLoadMany(['a', 'b', 'c', 'a', 'none'], load);
    expect(values).toEqual(['A', 'B', 'C', 'A', undefined]);
    expect(load.mock.calls.map(([keys]) => keys)).toEqual([['a', 'c', 'none']]);
    expect(await cache.getMany(['a', 'b', 'x'])).toEqual(['A', 'B', undefined]);
  });

  it('share flights with single callers, and fail together when their load does', async () => {
    const { cache } = cacheOf();
    const single = deferred();
    const one = cache.getOrLoad('a', () => single.promise);
    const load = vi.fn(async (keys: readonly string[]) => new Map(keys.map((key) => [key, key.toUpperCase()])));
    const many = cache.getOrLoadMany(['a', 'b'], load);
    await microtasks();
    expect(load.mock.calls.map(([keys]) => keys)).toEqual([['b']]);
    single.resolve('alone');
    expect([await one, await many]).toEqual(['alone', ['alone', 'B']]);
    await expect(cache.getOrLoadMany(['x', 'y'], down)).rejects.toThrow('down');
  });

  it('are set together, warmed in batches with progress, and prefetched', async () => {
    const { cache } = cacheOf();
    await cache.setMany([
      ['a', '1'],
      ['b', '2'],
    ]);
    expect(await cache.getMany(['a', 'b'])).toEqual(['1', '2']);
    const progress: number[] = [];
    const load = vi.fn(async (keys: readonly string[]) => {
      if (keys.includes('k7')) throw new Error('down');
      return keys.map((key) => key);
    });
    const keys = Array.from({ length: 10 }, (_, n) => `k${n}`);
    const result = await cache.warm(keys, load, {
      batchSize: 4,
      concurrency: 2,
      onProgress: ({ done }) => progress.push(done),
    });
    expect(result).toMatchObject({ done: 10, failed: 4 });
    expect([result.errors.length, load.mock.calls.length, progress]).toEqual([1, 3, [4, 8, 10]]);
    cache.prefetch('p', () => 'there');
    cache.prefetch('q', down);
    await microtasks();
    expect(cache.peek('p')).toBe('there');
  });
});
