import { describe, expect, it, vi } from 'vitest';
import type { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { deferred, rejection, watched } from '../../testing/test-support/watched.ts';
import { sharing } from '../test-support/sharing.ts';

/** Ends what needs time, in virtual time. */
async function soon<T>(clock: VirtualClock, promise: Promise<T>, ms = 0): Promise<T> {
  const seen = watched(promise);
  await clock.advance(ms);
  expect(seen.state).toBe('fulfilled');
  return seen.value as T;
}

describe('a second tier that gives no answer', () => {
  it('costs a load the soft deadline once, and later loads nothing', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn();
    store.delayMs = Infinity;
    const first = watched(cache.getOrLoad('a', () => 1));
    await clock.advance(49);
    expect(first.state).toBe('pending');
    await clock.advance(1);
    expect(first.value).toBe(1);
    expect(
      await soon(
        clock,
        cache.getOrLoad('b', () => 2),
      ),
    ).toBe(2);
    await clock.advance(250);
    expect(
      await soon(
        clock,
        cache.getOrLoad('c', () => 3),
      ),
    ).toBe(3);
    expect(await soon(clock, cache.set('d', 4))).toBeUndefined();
    expect(await soon(clock, cache.delete('a'))).toBe(true);
    expect(await soon(clock, cache.get('x'))).toBeUndefined();
  });

  it('is asked again without a restart once it answers, and then gets what was set meanwhile', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn();
    const states: string[] = [];
    cache.on('cache-tier-state', ({ state }) => states.push(state));
    store.failure = new Error('refused');
    await soon(clock, cache.set('a', 1));
    await soon(clock, cache.set('b', 2));
    await soon(clock, cache.delete('b'));
    store.failure = undefined;
    await clock.advance(1_000);
    expect(states).toEqual(['unavailable', 'available']);
    expect(cache.statistics).toMatchObject({ recovered: 1, lost: 0 });
    const other = cacheOn();
    expect([await soon(clock, other.get('a')), await soon(clock, other.get('b'))]).toEqual([1, undefined]);
    const pings = store.calls.filter((call) => call === 'ping').length;
    await clock.advance(10_000);
    expect(store.calls.filter((call) => call === 'ping')).toHaveLength(pings);
  });

  it('is not suspected for one slow answer longer than until that comes', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn();
    const states = vi.fn();
    cache.on('cache-tier-state', states);
    store.delayMs = 80;
    await soon(
      clock,
      cache.getOrLoad('a', () => 1),
      50,
    );
    await clock.advance(100);
    store.delayMs = 0;
    const before = store.calls.length;
    await soon(
      clock,
      cache.getOrLoad('b', () => 1),
    );
    expect(store.calls.length).toBeGreaterThan(before);
    expect(states).not.toHaveBeenCalled();
  });

  it('is an error to those who only look where that is asked for: it is no missing value', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn({ onFailure: 'throw' });
    store.delayMs = Infinity;
    const call = watched(cache.get('a'));
    await clock.advance(250);
    expect(call.error).toMatchObject({ code: 'CACHE_TIER_UNAVAILABLE', category: 'cache' });
    expect(await rejection(cache.get('a'))).toMatchObject({ code: 'CACHE_TIER_UNAVAILABLE' });
    expect(
      await soon(
        clock,
        cache.getOrLoad('a', () => 1),
      ),
    ).toBe(1);
  });

  it('keeps nobody waiting for a scan', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn();
    store.delayMs = Infinity;
    const call = watched(cache.deleteMatching('*'));
    await clock.advance(250);
    expect(call.error).toMatchObject({ code: 'CACHE_TIER_UNAVAILABLE' });
  });

  it('is not believed under a key or a tag whose change it has not confirmed', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn();
    await soon(clock, cache.set('a', 'old', { tags: ['t'] }));
    await soon(clock, cache.set('b', 'old'));
    store.failing = new Set(['write', 'renew', 'remove']);
    await soon(clock, cache.invalidateTags('t'));
    await clock.advance(300);
    await soon(clock, cache.delete('b'));
    await clock.advance(300);
    expect([await soon(clock, cache.get('a')), await soon(clock, cache.get('b'))]).toEqual([undefined, undefined]);
    store.failing = new Set();
    await soon(clock, cache.delete('x'));
    await clock.advance(1_000);
    const other = cacheOn();
    expect([await soon(clock, other.get('a')), await soon(clock, other.get('b'))]).toEqual([undefined, undefined]);
  });

  it('has a bounded queue: what does not fit renews the whole namespace, and is told as lost', async () => {
    const { clock, store, cacheOn } = sharing();
    const before = cacheOn();
    await soon(clock, before.set('old', 'old'));
    const cache = cacheOn({ maxPendingWrites: 5 });
    const lost: number[] = [];
    cache.on('cache-lost', ({ writes }) => lost.push(writes));
    store.failure = new Error('refused');
    for (let n = 0; n < 6; n++) await soon(clock, cache.set(`k${n}`, n));
    expect([lost, cache.statistics.lost]).toEqual([[6], 6]);
    store.failure = undefined;
    await clock.advance(1_000);
    expect(await soon(clock, cacheOn().get('old'))).toBeUndefined();
  });

  it('does not overwrite with what was set during its outage what another has set after it', async () => {
    const { clock, store, cacheOn } = sharing();
    const [one, two] = [cacheOn(), cacheOn()];
    await soon(clock, one.set('a', 'first'));
    store.failure = new Error('refused');
    await soon(clock, one.set('a', 'during'));
    store.failure = undefined;
    await soon(clock, two.set('a', 'after'));
    await clock.advance(1_000);
    expect(await soon(clock, cacheOn().get('a'))).not.toBe('during');
  });
});

describe('writing behind', () => {
  it('writes the last of each key, some time after, and what waits when it closes', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn({ write: 'behind', writeDelayMs: 100 });
    for (let n = 0; n < 50; n++) await soon(clock, cache.set('a', n));
    expect(store.calls).not.toContain('write');
    await clock.advance(100);
    expect(store.calls.filter((call) => call === 'write')).toHaveLength(1);
    await soon(clock, cache.set('b', 1));
    await soon(clock, cache.close());
    expect(await soon(clock, cacheOn().getMany(['a', 'b']))).toEqual([49, 1]);
  });

  it('gives up when closing what the store does not take in time, and counts it', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn({ write: 'behind' });
    await soon(clock, cache.set('a', 1));
    store.delayMs = Infinity;
    await soon(clock, cache.close({ timeoutMs: 1_000 }), 1_000);
    expect(cache.statistics.lost).toBe(1);
  });

  it('shows its readers what waits, though memory has let it go', async () => {
    const { clock, cacheOn } = sharing();
    const cache = cacheOn({ write: 'behind' }, { maxEntries: 1 });
    await soon(clock, cache.set('a', 1));
    await soon(clock, cache.set('b', 2));
    expect([await soon(clock, cache.get('a')), await soon(clock, cache.get('b'))]).toEqual([1, 2]);
  });
});

describe('taking turns', () => {
  it('lets one process load and the others take its value', async () => {
    const { clock, cacheOn } = sharing();
    const caches = Array.from({ length: 5 }, () => cacheOn({ distributedFlight: true }));
    const value = deferred();
    const load = vi.fn(() => value.promise);
    const calls = caches.map((cache) => watched(cache.getOrLoad('a', load)));
    await clock.advance(300);
    value.resolve('one');
    await clock.advance(200);
    expect(calls.map((call) => call.value)).toEqual(['one', 'one', 'one', 'one', 'one']);
    expect(load).toHaveBeenCalledTimes(1);
    expect(
      await soon(
        clock,
        caches[0]!.getOrLoad('b', () => 'free'),
      ),
    ).toBe('free');
  });

  it('does not wait longer than a second for another', async () => {
    const { clock, cacheOn } = sharing();
    const [one, two] = [cacheOn({ distributedFlight: true }), cacheOn({ distributedFlight: true })];
    void one.getOrLoad('a', () => new Promise(() => undefined)).catch(() => undefined);
    await clock.advance(1);
    const call = watched(two.getOrLoad('a', () => 'mine'));
    await clock.advance(1_100);
    expect(call.value).toBe('mine');
  });
});

describe('a pipeline around the second tier', () => {
  it('runs every question', async () => {
    const { clock, cacheOn } = sharing();
    const guard = pipeline({ clock });
    const ended = vi.fn();
    guard.on('call-ended', ended);
    const cache = cacheOn({ pipeline: guard });
    await soon(clock, cache.set('a', 1));
    expect(await soon(clock, cacheOn().get('a'))).toBe(1);
    expect(ended.mock.calls.length).toBeGreaterThan(0);
  });
});
