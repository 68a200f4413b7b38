import { describe, expect, it, vi } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { createCache } from './cache.ts';
import type { LoaderContext } from './loader.ts';
import type { CacheOptions } from './options.ts';

function cacheOf<Value = string | null>(options: CacheOptions<Value> = {}) {
  const clock = new VirtualClock();
  const cache = createCache<Value>({ clock, random: seededRandom(1), jitterRatio: 0, ttlMs: 1_000, ...options });
  return { clock, cache };
}

const down = (): never => {
  throw new Error('down');
};

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

describe('a stale value', () => {
  const options = { staleWhileRevalidateMs: 300, staleIfErrorMs: 5_000 };

  it('is served at once within its window, while one load fetches the next', async () => {
    const { clock, cache } = cacheOf(options);
    await cache.set('a', 'old');
    await clock.advance(1_100);
    const next = deferred();
    const load = vi.fn(() => next.promise);
    const values = await Promise.all([cache.getOrLoad('a', load), cache.getOrLoad('a', load)]);
    expect([values, load.mock.calls.length, cache.peek('a')]).toEqual([['old', 'old'], 1, undefined]);
    next.resolve('new');
    await microtasks();
    expect(cache.peek('a')).toBe('new');
    expect(cache.statistics.staleHits).toBe(2);
  });

  it('is not served at once after that window, but stands in for a load that fails', async () => {
    const { clock, cache } = cacheOf(options);
    await cache.set('a', 'old');
    await clock.advance(2_000);
    await expect(cache.getOrLoad('a', down)).resolves.toBe('old');
    await clock.advance(4_000);
    await expect(cache.getOrLoad('a', down)).rejects.toThrow('down');
  });

  it('is served without a load while an error is remembered', async () => {
    const { clock, cache } = cacheOf({ ...options, failureTtlMs: 1_000 });
    await cache.set('a', 'old');
    await clock.advance(2_000);
    const load = vi.fn(down);
    await cache.getOrLoad('a', load);
    await expect(cache.getOrLoad('a', load)).resolves.toBe('old');
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('does not leave an unhandled rejection when the load in the background fails', async () => {
    const { clock, cache } = cacheOf(options);
    const failures: unknown[] = [];
    cache.on('cache-load-failed', ({ error }) => failures.push(error));
    await cache.set('a', 'old');
    await clock.advance(1_100);
    await cache.getOrLoad('a', down);
    await microtasks();
    expect(failures).toHaveLength(1);
  });

  it('is served when the load takes longer than the soft timeout, and the load goes on', async () => {
    const { clock, cache } = cacheOf({ ...options, softTimeoutMs: 50 });
    await cache.set('a', 'old');
    await clock.advance(2_000);
    const next = deferred();
    const call = watched(cache.getOrLoad('a', () => next.promise));
    await clock.advance(49);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call).toMatchObject({ state: 'fulfilled', value: 'old' });
    next.resolve('new');
    await microtasks();
    expect(cache.peek('a')).toBe('new');
  });

  it('is never served once it has been invalidated, whatever else fails or is slow', async () => {
    const { clock, cache } = cacheOf({ ...options, softTimeoutMs: 50, tags: ['t'] });
    await cache.set('a', 'old');
    await clock.advance(2_000);
    const next = deferred();
    const call = watched(cache.getOrLoad('a', () => next.promise));
    await cache.invalidateTags('t');
    await clock.advance(100);
    expect(call.state).toBe('pending');
    next.reject(new Error('down'));
    await microtasks();
    expect(call).toMatchObject({ state: 'rejected' });
  });
});

describe('eager refresh', () => {
  it('loads anew in the background once the ratio of its life is over, while the value is fresh', async () => {
    const { clock, cache } = cacheOf({ eagerRefreshRatio: 0.8 });
    await cache.set('a', 'old');
    const load = vi.fn(async () => 'new');
    await clock.advance(799);
    await cache.getOrLoad('a', load);
    expect(load).not.toHaveBeenCalled();
    await clock.advance(1);
    await expect(cache.getOrLoad('a', load)).resolves.toBe('old');
    await microtasks();
    expect([cache.peek('a'), load.mock.calls.length]).toEqual(['new', 1]);
  });
});

describe('time limits', () => {
  it('end the wait of one caller, not that of another, nor the load', async () => {
    const { clock, cache } = cacheOf();
    const value = deferred();
    const short = watched(cache.getOrLoad('a', () => value.promise, { hardTimeoutMs: 100 }));
    const long = watched(cache.getOrLoad('a', () => value.promise));
    await clock.advance(100);
    expect(short.error).toMatchObject({ code: 'CACHE_TIMEOUT', category: 'timeout', timeoutMs: 100 });
    expect(long.state).toBe('pending');
    value.resolve('late');
    await microtasks();
    expect([long.value, cache.peek('a')]).toEqual(['late', 'late']);
    expect(clock.pendingTimers).toBeLessThanOrEqual(1);
  });

  it('abort a load that takes more than maxLoadMs, free its key, and drop what it gives later', async () => {
    const { clock, cache } = cacheOf({ maxLoadMs: 1_000 });
    const value = deferred();
    const signals: AbortSignal[] = [];
    const late = vi.fn();
    cache.on('cache-late-load', late);
    const call = watched(
      cache.getOrLoad('a', (_key, { signal }) => {
        signals.push(signal);
        return value.promise;
      }),
    );
    await clock.advance(1_000);
    expect(call.error).toMatchObject({ code: 'CACHE_LOAD_TIMEOUT', maxLoadMs: 1_000 });
    expect(signals[0]!.aborted).toBe(true);
    await expect(cache.getOrLoad('a', () => 'second')).resolves.toBe('second');
    value.resolve('first');
    await microtasks();
    expect([cache.peek('a'), late.mock.calls.length]).toEqual(['second', 1]);
  });

  it('the signal of a caller ends its wait at once with its reason, and is let go', async () => {
    const { cache } = cacheOf();
    const value = deferred();
    const counted = countedController();
    const call = watched(cache.getOrLoad('a', () => value.promise, { signal: counted.signal }));
    const other = watched(cache.getOrLoad('a', () => value.promise));
    counted.controller.abort('enough');
    await microtasks();
    expect([call.error, other.state, counted.listening]).toEqual(['enough', 'pending', 0]);
    value.resolve('x');
    await microtasks();
    expect(other.value).toBe('x');
    await expect(cache.getOrLoad('b', () => 'y', { signal: counted.signal })).rejects.toBe('enough');
  });
});

describe('a loader', () => {
  it('sees the stale value with its etag, and may say that it has not changed', async () => {
    const { clock, cache } = cacheOf({ staleIfErrorMs: 10_000 });
    await cache.getOrLoad('a', (_key, { describe: say }) => {
      say({ etag: 'v1', tags: ['t'] });
      return 'body';
    });
    await clock.advance(1_500);
    const seen: unknown[] = [];
    const load = (_key: string, { stale, notModified }: LoaderContext<string | null>): string | null => {
      seen.push(stale);
      return notModified();
    };
    await expect(cache.getOrLoad('a', load)).resolves.toBe('body');
    expect(seen).toEqual([{ value: 'body', etag: 'v1', ageMs: 1_500 }]);
    expect(await cache.inspect('a')).toMatchObject({ ageMs: 0, freshMs: 1_000, etag: 'v1', tags: ['t'] });
  });

  it('can not say so where there is nothing', async () => {
    const { cache } = cacheOf();
    await expect(cache.getOrLoad('a', (_key, { notModified }) => notModified())).rejects.toThrow(TypeError);
  });

  it('may set the time and the tags of its value, or have it not kept', async () => {
    const { clock, cache } = cacheOf();
    await cache.getOrLoad('a', (_key, { describe: say }) => {
      say({ ttlMs: 100, tags: ['x'] });
      return 'short';
    });
    expect(cache.peek('a')).toBe('short');
    await clock.advance(100);
    expect(cache.peek('a')).toBeUndefined();
    await expect(cache.getOrLoad('b', (_key, { skip }) => skip('private'))).resolves.toBe('private');
    expect(cache.peek('b')).toBeUndefined();
    const wrong = cache.getOrLoad('c', (_key, { describe: say }) => {
      say({ ttlMs: -1 });
      return 'x';
    });
    await expect(wrong).rejects.toThrow(RangeError);
  });
});

describe('invalidation', () => {
  it('of a key: what was loading then is not kept, and serves nobody who comes later', async () => {
    const { cache } = cacheOf();
    const old = deferred();
    const before = watched(cache.getOrLoad('a', () => old.promise));
    await cache.delete('a');
    const after = cache.getOrLoad('a', () => 'new');
    await expect(after).resolves.toBe('new');
    old.resolve('old');
    await microtasks();
    expect([before.value, cache.peek('a'), cache.statistics.fenced]).toEqual(['old', 'new', 1]);
  });

  it('of a tag: who came later waits for the next load, also where only the loader names the tag', async () => {
    const { cache } = cacheOf();
    const loads = [deferred(), deferred()];
    const load = vi.fn((_key: string, { describe: say }: LoaderContext<string | null>) => {
      say({ tags: ['t'] });
      return loads[load.mock.calls.length - 1]!.promise;
    });
    const before = watched(cache.getOrLoad('a', load));
    await cache.invalidateTags('t');
    const after = watched(cache.getOrLoad('a', load));
    loads[0]!.resolve('old');
    await microtasks();
    expect([before.value, after.state, cache.peek('a')]).toEqual(['old', 'pending', undefined]);
    loads[1]!.resolve('new');
    await microtasks();
    expect([after.value, cache.peek('a')]).toEqual(['new', 'new']);
  });

  it('of a tag, twice while it loads: who came in between waits for the next load too', async () => {
    const { cache } = cacheOf({ tags: ['t'] });
    const value = deferred();
    void cache.getOrLoad('a', () => value.promise);
    await cache.invalidateTags('t');
    const between = watched(cache.getOrLoad('a', () => 'new'));
    await cache.invalidateTags('t');
    value.resolve('old');
    await microtasks();
    expect(between.state).toBe('fulfilled');
    expect(between.value).toBe('new');
  });

  it('of a tag meets all that carry it and nothing else', async () => {
    const { cache } = cacheOf();
    await cache.set('a', '1', { tags: ['x', 'y'] });
    await cache.set('b', '2', { tags: ['y'] });
    await cache.set('c', '3', { tags: ['z'] });
    await cache.set('d', '4');
    await cache.invalidateTags('y', 'unknown');
    expect(['a', 'b', 'c', 'd'].map((key) => cache.peek(key))).toEqual([undefined, undefined, '3', '4']);
    await cache.set('a', '5', { tags: ['y'] });
    expect(cache.peek('a')).toBe('5');
  });

  it('of more tags than are remembered forgets values rather than invalidations', async () => {
    const { cache } = cacheOf();
    await cache.set('a', '1', { tags: ['first'] });
    await cache.set('b', '2');
    await cache.invalidateTags('first');
    for (let n = 0; n < 10_001; n++) await cache.invalidateTags(`tag ${n}`);
    expect([cache.peek('a'), cache.peek('b')]).toEqual([undefined, '2']);
    await cache.set('a', '3', { tags: ['first'] });
    expect(cache.peek('a')).toBe('3');
  });

  it('of everything: nothing is left, and nothing that was loading comes back', async () => {
    const { cache } = cacheOf();
    const value = deferred();
    await cache.set('a', '1');
    const before = watched(cache.getOrLoad('b', () => value.promise));
    await cache.clear();
    value.resolve('old');
    await microtasks();
    expect([before.value, cache.peek('a'), cache.peek('b'), cache.statistics.entries]).toEqual([
      'old',
      undefined,
      undefined,
      0,
    ]);
  });

  it('by setting: the load that runs does not overwrite what was set', async () => {
    const { cache } = cacheOf();
    const value = deferred();
    void cache.getOrLoad('a', () => value.promise);
    await cache.set('a', 'set');
    value.resolve('loaded');
    await microtasks();
    expect(cache.peek('a')).toBe('set');
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

describe('wrap and decorator', () => {
  it('keep the answers of a function by the key of its parameters', async () => {
    const { cache } = cacheOf();
    const fetchUser = vi.fn(async (id: number, _lang?: string) => `user ${id}`);
    const user = cache.wrap(fetchUser, (id, lang) => ['user', id, lang ?? '']);
    expect([await user(1), await user(1), await user(1, 'de')]).toEqual(['user 1', 'user 1', 'user 1']);
    expect(fetchUser).toHaveBeenCalledTimes(2);
    await expect(cache.wrap(fetchUser, down)(1)).rejects.toThrow('down');
  });

  it('decorate a method, with the object that it is called on', async () => {
    const { cache } = cacheOf();
    const decorate = cache.decorator(function (this: { tenant: string }, id: number) {
      return [this.tenant, id];
    });
    const load = decorate(async function (this: { tenant: string }, id: number) {
      return `${this.tenant} ${id}`;
    });
    expect([await load.call({ tenant: 'x' }, 1), await load.call({ tenant: 'y' }, 1)]).toEqual(['x 1', 'y 1']);
    expect(cache.peek(['x', 1])).toBe('x 1');
  });
});

describe('looking around', () => {
  it('finds keys by pattern and deletes them', async () => {
    const { cache } = cacheOf();
    await cache.setMany([
      ['user:1', 'a'],
      ['user:2', 'b'],
      ['other', 'c'],
      [['user', 1], 'd'],
      [['user', 1, 'x'], 'e'],
    ]);
    const found = async (pattern: string | string[]) => {
      const keys: unknown[] = [];
      for await (const key of cache.scan(pattern)) keys.push(key);
      return keys;
    };
    expect(await found('user:*')).toEqual(['user:1', 'user:2']);
    expect(await found(['user', '*'])).toEqual([['user', '1']]);
    expect(await found('[a-z]*')).toEqual([]);
    expect(await cache.deleteMatching('user:*')).toBe(2);
    expect([cache.peek('user:1'), cache.peek('other')]).toEqual([undefined, 'c']);
  });

  it('dumps memory as plain data, and takes up what is still good', async () => {
    const { clock, cache } = cacheOf({ staleIfErrorMs: 10_000 });
    await cache.set('short', '1', { ttlMs: 100 });
    await cache.set('long', '2', { tags: ['t'], etag: 'e', ttlMs: Infinity });
    await clock.advance(50);
    const snapshot = JSON.parse(JSON.stringify(cache.dump())) as ReturnType<typeof cache.dump>;
    const other = cacheOf();
    other.clock.jumpWallTime(1_000);
    expect(other.cache.load(snapshot)).toBe(2);
    expect([other.cache.peek('short'), other.cache.peek('long')]).toEqual([undefined, '2']);
    await other.cache.invalidateTags('t');
    expect(other.cache.peek('long')).toBeUndefined();
    expect(() => other.cache.load({ ...snapshot, format: 2 as 1 })).toThrow(RangeError);
  });

  it('inspects a key without using it', async () => {
    const { clock, cache } = cacheOf({ staleIfErrorMs: 500 });
    await cache.set('a', 'x', { tags: ['t'] });
    await clock.advance(200);
    expect(await cache.inspect('a')).toEqual({
      value: 'x',
      tier: 'memory',
      ageMs: 200,
      freshMs: 800,
      remainingMs: 1_300,
      tags: ['t'],
      etag: undefined,
      version: 0,
    });
    expect([await cache.inspect('b'), cache.statistics.memoryHits]).toEqual([undefined, 0]);
  });

  it('tells its events, and goes on when a listener throws', async () => {
    const { cache } = cacheOf({ name: 'users' });
    const heard: string[] = [];
    cache.on('*', ({ type, policy, key }) => {
      heard.push([type, policy, key].join(' '));
      throw new Error('bug');
    });
    await cache.getOrLoad('a', () => 'x');
    await cache.getOrLoad('a', () => 'x');
    expect(heard).toContain('cache-load users a');
    expect(heard).toContain('cache-hit users a');
    expect(heard).toContain('hook-failed users a');
  });
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
