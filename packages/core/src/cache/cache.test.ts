import { describe, expect, it, vi } from 'vitest';
import { deferred, rejection, watched } from '../testing/test-support/watched.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { createCache } from './cache.ts';
import { cacheOf, down } from './test-support/cache-of.ts';
import { sharing } from './test-support/sharing.ts';

describe('getOrLoad', () => {
  it('loads once, and finds the value until its time is up', async () => {
    const { clock, cache } = cacheOf();
    const load = vi.fn(async (key: string) => `value of ${key}`);
    await expect(cache.getOrLoad('a', load)).resolves.toBe('value of a');
    await expect(cache.getOrLoad('a', load)).resolves.toBe('value of a');
    await clock.advance(1_000);
    await cache.getOrLoad('a', load);
    expect(load).toHaveBeenCalledTimes(2);
    expect(cache.statistics).toMatchObject({ memoryHits: 1, misses: 2, loads: 2 });
  });

  it('calls the loader once for a thousand callers at a time, and gives all of them its value', async () => {
    const { cache } = cacheOf();
    const load = vi.fn(async () => 'one');
    const values = await Promise.all(Array.from({ length: 1_000 }, () => cache.getOrLoad('a', load)));
    expect(load).toHaveBeenCalledTimes(1);
    expect(new Set(values)).toEqual(new Set(['one']));
    expect(cache.statistics.sharedFlights).toBe(999);
  });

  it('calls a loader that fails once for a thousand callers at a time, and gives all of them its error', async () => {
    const { cache } = cacheOf();
    const bug = new Error('down');
    const load = vi.fn(() => Promise.reject(bug));
    const calls = await Promise.allSettled(Array.from({ length: 1_000 }, () => cache.getOrLoad('a', load)));
    expect(load).toHaveBeenCalledTimes(1);
    expect(calls.every((call) => call.status === 'rejected' && call.reason === bug)).toBe(true);
  });

  it('keeps no error: the next caller loads again', async () => {
    const { cache } = cacheOf();
    expect(await rejection(cache.getOrLoad('a', down))).toMatchObject({ message: 'down' });
    await expect(cache.getOrLoad('a', () => 'up')).resolves.toBe('up');
  });

  it('gives the error of a failed load for failureTtlMs without another, and loads again after that', async () => {
    const { clock, cache } = cacheOf({ failureTtlMs: 500 });
    const load = vi.fn(down);
    await rejection(cache.getOrLoad('a', load));
    await clock.advance(499);
    await rejection(cache.getOrLoad('a', load));
    expect([load.mock.calls.length, cache.statistics.cooledDown]).toEqual([1, 1]);
    await clock.advance(1);
    await rejection(cache.getOrLoad('a', load));
    expect(load).toHaveBeenCalledTimes(2);
  });

  it.each([[[]], [{}], [0], [''], [false]])('keeps %j, which is a value', async (value) => {
    const { cache } = cacheOf<unknown>();
    const load = vi.fn(() => value);
    await cache.getOrLoad('a', load);
    await expect(cache.getOrLoad('a', load)).resolves.toBe(value);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('keeps null only for negativeTtlMs, and undefined never', async () => {
    const load = vi.fn(() => null);
    const { cache } = cacheOf();
    await cache.getOrLoad('a', load);
    await cache.getOrLoad('a', load);
    expect(load).toHaveBeenCalledTimes(2);
    const negative = cacheOf<string | null | undefined>({ negativeTtlMs: 100 });
    await negative.cache.getOrLoad('a', load);
    await expect(negative.cache.getOrLoad('a', load)).resolves.toBeNull();
    expect(load).toHaveBeenCalledTimes(3);
    await negative.clock.advance(100);
    await negative.cache.getOrLoad('a', load);
    expect(load).toHaveBeenCalledTimes(4);
    const none = vi.fn(() => undefined);
    await negative.cache.getOrLoad('b', none);
    await negative.cache.getOrLoad('b', none);
    expect(none).toHaveBeenCalledTimes(2);
  });

  it('takes a loader that throws, and one that answers at once', async () => {
    const { cache } = cacheOf();
    await expect(cache.getOrLoad('a', () => 'at once')).resolves.toBe('at once');
    await expect(cache.getOrLoad('b', down)).rejects.toThrow('down');
  });

  it('runs loaders under a pipeline where it is given one', async () => {
    const { cache } = cacheOf({ loaderPipeline: pipeline() });
    const signals: AbortSignal[] = [];
    await cache.getOrLoad('a', (_key, { signal }) => {
      signals.push(signal);
      return 'guarded';
    });
    expect(signals[0]).toBeInstanceOf(AbortSignal);
    expect(cache.peek('a')).toBe('guarded');
  });
});

describe('values', () => {
  it('are clones for each caller where that is asked for, those of one load too', async () => {
    const { cache } = cacheOf<{ n: number }>({ values: 'cloned' });
    const [first, second] = await Promise.all([cache.getOrLoad('a', () => ({ n: 1 })), cache.getOrLoad('a', down)]);
    first.n = 2;
    expect([second.n, cache.peek('a')!.n, (await cache.getOrLoad('a', down)).n]).toEqual([1, 1, 1]);
  });

  it('are frozen in depth where that is asked for', async () => {
    const { cache } = cacheOf<{ inner: { n: number } }>({ values: 'frozen' });
    await cache.set('a', { inner: { n: 1 } });
    expect(() => {
      cache.peek('a')!.inner.n = 2;
    }).toThrow(TypeError);
  });

  it.each([[[]], [{}], [''], [0], [false]])('are kept in both tiers also where they are empty: %o', async (empty) => {
    const { cacheOn } = sharing();
    const loader = vi.fn(() => empty as unknown);
    const [one, two] = [cacheOn(), cacheOn()];
    expect(await one.getOrLoad('a', loader)).toEqual(empty);
    expect([await one.getOrLoad('a', loader), await two.getOrLoad('a', loader)]).toEqual([empty, empty]);
    expect(loader).toHaveBeenCalledTimes(1);
  });

  it('that can not be cloned fail their callers, not the process', async () => {
    const { cache } = cacheOf<unknown>({ values: 'cloned' });
    await expect(cache.getOrLoad('a', () => () => 1)).rejects.toThrow();
  });
});

describe('keys', () => {
  it('of segments differ from texts that look alike', async () => {
    const { cache } = cacheOf();
    await cache.set('a:b', 'text');
    await cache.set(['a', 'b'], 'row');
    await cache.set(['a:b', 'c'], 'first');
    await cache.set(['a', 'b:c'], 'second');
    expect([cache.peek('a:b'), cache.peek(['a', 'b']), cache.peek(['a:b', 'c']), cache.peek(['a', 'b:c'])]).toEqual([
      'text',
      'row',
      'first',
      'second',
    ]);
    expect(cache.peek(['a:b'])).toBe('text');
  });

  it.each(['a\nb', '\u001fa:b', 'x'.repeat(20_000), [], [NaN], ['a', '\u0000'], 7 as never])(
    'that could be mistaken or are too long are refused (case %#)',
    async (key) => {
      const { cache } = cacheOf();
      const code = { code: 'CACHE_INVALID_KEY' };
      expect(await rejection(cache.set(key, 'x'))).toMatchObject(code);
      expect(await rejection(cache.getOrLoad(key, () => 'x'))).toMatchObject(code);
    },
  );
});

describe('bytes', () => {
  it('bound memory by what a function says of an entry, and one that throws fails nobody', async () => {
    const failed = vi.fn();
    const sizeOf = (value: unknown): number => {
      if (value === 'broken') throw new Error('bug');
      return (value as string).length;
    };
    const { cache } = cacheOf<unknown>({ maxEntries: Infinity, maxBytes: 100, sizeOf });
    cache.on('hook-failed', ({ hook }) => failed(hook));
    await cache.set('a', 'x'.repeat(60));
    await cache.set('b', 'x'.repeat(60));
    expect([cache.statistics.bytes, cache.statistics.evicted]).toEqual([60, 1]);
    await expect(cache.getOrLoad('c', () => 'broken')).resolves.toBe('broken');
    expect(failed).toHaveBeenCalledWith('sizeOf');
    await expect(cache.getOrLoad('d', () => 'x'.repeat(101))).resolves.toHaveLength(101);
    expect([cache.peek('d'), cache.statistics.tooLarge]).toEqual([undefined, 1]);
  });
});

describe('closing', () => {
  it('waits for loads, aborts those that take too long, and refuses new ones', async () => {
    const { clock, cache } = cacheOf();
    const slow = deferred();
    const call = watched(cache.getOrLoad('a', () => slow.promise));
    const closing = watched(cache.close({ timeoutMs: 500 }));
    expect(await rejection(cache.getOrLoad('b', () => 'x'))).toMatchObject({ code: 'CACHE_CLOSED' });
    expect(await rejection(cache.set('b', 'x'))).toMatchObject({ code: 'CACHE_CLOSED' });
    await clock.advance(500);
    expect([closing.value, (call.error as { code: string }).code]).toEqual([1, 'CACHE_CLOSED']);
    slow.resolve('late');
    await clock.advance(1);
    expect([cache.peek('a'), clock.pendingTimers]).toEqual([undefined, 0]);
  });
});

describe('options', () => {
  it('are checked at once, with all faults', () => {
    expect(() => createCache({ ttlMs: 0, maxEntrys: 5 } as never)).toThrow(/ttlMs[\s\S]*maxEntries/);
    expect(() => createCache({ maxEntries: Infinity })).toThrow(/maxBytes/);
    expect(() => createCache({ namespace: '{x}' })).toThrow(/braces/);
    expect(() => createCache({ eviction: 's3-fifo' as never })).toThrow(/eviction/);
  });

  it('of a call are checked too', async () => {
    const { cache } = cacheOf();
    const call = cache.getOrLoad('a', () => 'x', { ttl: 5 } as never);
    expect(await rejection(call)).toMatchObject({ code: 'CONFIGURATION' });
  });

  it('spread the ends of values that come together', async () => {
    const { cache } = cacheOf({ jitterRatio: 0.1, ttlMs: 100_000, maxEntries: 1_000 });
    await cache.setMany(Array.from({ length: 500 }, (_, n) => [`k${n}`, 'x'] as const));
    const lives = await Promise.all(
      Array.from({ length: 500 }, async (_, n) => (await cache.inspect(`k${n}`))!.freshMs),
    );
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(90_000);
    expect(Math.max(...lives)).toBeLessThanOrEqual(110_000);
    expect(Math.max(...lives) - Math.min(...lives)).toBeGreaterThan(15_000);
  });
});
