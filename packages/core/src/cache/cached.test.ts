import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { createCache } from './cache.ts';
import { cached } from './cached.ts';

function calls(options = {}) {
  const clock = new VirtualClock();
  const cache = createCache<string>({ clock, jitterRatio: 0, ttlMs: 1_000, staleIfErrorMs: 1_000 });
  return { clock, cache, pipe: pipeline({ clock }, cached(cache, options)) };
}

describe('a pipeline with a cache', () => {
  it('runs the function once for a key, and not at all while its value is fresh', async () => {
    const { clock, cache, pipe } = calls();
    const load = vi.fn(async () => 'x');
    const values = await Promise.all([pipe.execute(load, { key: 'a' }), pipe.execute(load, { key: 'a' })]);
    expect([values, await pipe.execute(load, { key: 'a' }), load.mock.calls.length]).toEqual([['x', 'x'], 'x', 1]);
    await pipe.execute(load, { key: 'b' });
    await clock.advance(1_000);
    await pipe.execute(load, { key: 'a' });
    expect([load.mock.calls.length, cache.statistics.memoryHits]).toEqual([3, 1]);
  });

  it('leaves a call without a key alone, and takes a key of its own before that of the call', async () => {
    const { pipe } = calls();
    const load = vi.fn(() => 'x');
    await pipe.execute(load);
    await pipe.execute(load);
    expect(load).toHaveBeenCalledTimes(2);
    const own = calls({ key: ({ key }: { key: string | undefined }) => ['user', key ?? ''] });
    await own.pipe.execute(load, { key: 'a' });
    expect(own.cache.peek(['user', 'a'])).toBe('x');
  });

  it('gives the stale value when the function fails, and its error where there is none', async () => {
    const { clock, pipe } = calls();
    const fail = (): never => {
      throw new Error('down');
    };
    expect(await rejection(pipe.execute(fail, { key: 'a' }))).toMatchObject({ message: 'down' });
    await pipe.execute(() => 'old', { key: 'a' });
    await clock.advance(1_500);
    await expect(pipe.execute(fail, { key: 'a' })).resolves.toBe('old');
  });

  it('hands the load on when the call that runs it is aborted', async () => {
    const { cache, pipe } = calls();
    const controller = new AbortController();
    const first = deferred();
    const leader = watched(pipe.execute(() => first.promise, { key: 'a', signal: controller.signal }));
    const follower = watched(pipe.execute(async () => 'mine', { key: 'a' }));
    controller.abort('enough');
    await microtasks(100);
    expect([leader.error, follower.value, cache.peek('a')]).toEqual(['enough', 'mine', 'mine']);
  });

  it('checks its options when it is made', () => {
    expect(() => cached({} as never)).toThrow(/a cache/);
    expect(() => calls({ ttlMs: -1 })).toThrow(/ttlMs/);
  });
});
