import { describe, expect, it, vi } from 'vitest';
import { deferred, microtasks, watched } from '../testing/test-support/watched.ts';
import type { LoaderContext } from './loader.ts';
import { cacheOf } from './test-support/cache-of.ts';

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
