import { describe, expect, it, vi } from 'vitest';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, microtasks, watched } from '../testing/test-support/watched.ts';
import type { LoaderContext } from './loader.ts';
import { cacheOf, down } from './test-support/cache-of.ts';

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
