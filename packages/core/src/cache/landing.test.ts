import { describe, expect, it, vi } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { deferred, rejection, watched } from '../testing/test-support/watched.ts';
import { createCache } from './cache.ts';
import type { CacheOptions } from './options.ts';
import { SharedStore } from './test-support/shared-store.ts';

function sharing() {
  const clock = new VirtualClock();
  const store = new SharedStore(clock);
  const cacheOn = <Value = string>(options: CacheOptions<Value> = {}) =>
    createCache<Value>({
      clock,
      random: seededRandom(1),
      jitterRatio: 0,
      ttlMs: 1_000,
      secondTier: { store },
      ...options,
    });
  return { clock, store, cacheOn };
}

describe('a stale value of the second tier', () => {
  it('is served at once within its window, while it is loaded anew', async () => {
    const { clock, cacheOn } = sharing();
    const options = { staleWhileRevalidateMs: 5_000 };
    await cacheOn(options).set('a', 'old');
    await clock.advance(2_000);
    const cache = cacheOn(options);
    const load = deferred();
    const hits: [string, boolean][] = [];
    cache.on('cache-hit', ({ tier, stale }) => hits.push([tier, stale]));
    expect(await cache.getOrLoad('a', () => load.promise)).toBe('old');
    expect(hits).toEqual([['second', true]]);
    load.resolve('new');
    await clock.advance(0);
    expect(cache.peek('a')).toBe('new');
  });

  it('is not served once its window is over, but stands in for a load that fails', async () => {
    const { clock, cacheOn } = sharing();
    const options = { staleIfErrorMs: 5_000 };
    await cacheOn(options).set('a', 'old');
    await clock.advance(2_000);
    const failing = (): never => {
      throw new Error('down');
    };
    expect(await cacheOn(options).getOrLoad('a', failing)).toBe('old');
    expect(await rejection(cacheOn({ staleIfErrorMs: 500 }).getOrLoad('a', failing))).toMatchObject({
      message: 'down',
    });
  });

  it('is nothing to those who only look', async () => {
    const { clock, cacheOn } = sharing();
    await cacheOn({ staleIfErrorMs: 5_000 }).set('a', 'old');
    await clock.advance(2_000);
    expect(await cacheOn({ staleIfErrorMs: 5_000 }).get('a')).toBeUndefined();
  });

  it('says how fresh it is, and where it was found', async () => {
    const { clock, cacheOn } = sharing();
    await cacheOn().set('a', 'old', { staleIfErrorMs: 5_000, tags: ['t'], etag: '"1"' });
    await cacheOn().set('b', 'for ever', { ttlMs: Infinity });
    await clock.advance(2_000);
    const cache = cacheOn();
    expect(await cache.inspect('a')).toMatchObject({
      tier: 'second',
      ageMs: 2_000,
      freshMs: -1_000,
      remainingMs: 4_000,
      tags: ['t'],
      etag: '"1"',
    });
    expect(await cache.inspect('b')).toMatchObject({ freshMs: Infinity, remainingMs: Infinity });
    expect(await cache.inspect('c')).toBeUndefined();
  });
});

describe('eager refresh with a second tier', () => {
  const options = { eagerRefreshRatio: 0.5 };

  it('loads anew what memory has, though the tier has the same and it is fresh', async () => {
    const { clock, cacheOn } = sharing();
    const cache = cacheOn(options);
    await cache.getOrLoad('a', () => 'old');
    await clock.advance(600);
    expect(await cache.getOrLoad('a', () => 'new')).toBe('old');
    await clock.advance(0);
    expect(cache.peek('a')).toBe('new');
    expect(await cacheOn().get('a')).toBe('new');
  });

  it('gives a caller what the tier has at once, and loads it anew in the background', async () => {
    const { clock, cacheOn } = sharing();
    await cacheOn().set('a', 'old');
    await clock.advance(600);
    const cache = cacheOn(options);
    const load = deferred();
    expect(await cache.getOrLoad('a', () => load.promise)).toBe('old');
    expect([cache.peek('a'), cache.statistics.tierHits]).toEqual(['old', 1]);
    load.resolve('new');
    await clock.advance(0);
    expect(cache.peek('a')).toBe('new');
  });

  it('leaves alone what another process has loaded meanwhile', async () => {
    const { clock, cacheOn } = sharing();
    const cache = cacheOn(options);
    await cache.getOrLoad('a', () => 'old');
    await clock.advance(600);
    await cacheOn().set('a', 'newer');
    const load = vi.fn(() => 'never');
    expect(await cache.getOrLoad('a', load)).toBe('old');
    await clock.advance(0);
    expect([cache.peek('a'), load.mock.calls.length]).toEqual(['newer', 0]);
  });
});

describe('what has become of a load', () => {
  it('is told: kept, skipped, fenced, failed, or late', async () => {
    const { clock, cacheOn } = sharing();
    const cache = cacheOn({ maxLoadMs: 100, secondTier: undefined });
    const told: unknown[] = [];
    cache.on('cache-load', ({ key, disposition }) => told.push([key, disposition]));
    cache.on('cache-late-load', ({ key, outcome }) => told.push([key, 'late', outcome]));
    cache.on('cache-load-failed', ({ key, servedStale }) => told.push([key, 'failed', servedStale]));
    await cache.getOrLoad('kept', () => 'x');
    await cache.getOrLoad('skipped', (_key, { skip }) => skip('x'));
    const load = deferred();
    const fenced = cache.getOrLoad('fenced', () => load.promise);
    await cache.delete('fenced');
    load.resolve('x');
    await fenced;
    const [late, lateAndFailing] = [deferred(), deferred()];
    const calls = [cache.getOrLoad('late', () => late.promise), cache.getOrLoad('bad', () => lateAndFailing.promise)];
    const ends = calls.map((call) => watched(call));
    await clock.advance(100);
    expect(ends.map(({ state }) => state)).toEqual(['rejected', 'rejected']);
    late.resolve('x');
    lateAndFailing.reject(new Error('down'));
    await clock.advance(0);
    expect(told).toEqual([
      ['kept', 'kept'],
      ['skipped', 'skipped'],
      ['fenced', 'fenced'],
      ['late', 'failed', false],
      ['bad', 'failed', false],
      ['late', 'late', 'success'],
      ['bad', 'late', 'failure'],
    ]);
  });

  it('is aborted also for a loader that looks at its signal only afterwards', async () => {
    const { clock, cacheOn } = sharing();
    const cache = cacheOn({ maxLoadMs: 100, secondTier: undefined });
    const reasons: unknown[] = [];
    const call = watched(
      cache.getOrLoad('a', async (_key, context) => {
        await new Promise<void>((resolve) => void clock.setTimer(200, resolve));
        reasons.push(context.signal.aborted, context.signal.reason);
        return 'x';
      }),
    );
    await clock.advance(200);
    expect(call.error).toMatchObject({ code: 'CACHE_LOAD_TIMEOUT' });
    expect(reasons).toEqual([true, call.error]);
  });

  it('from a stale value that is of no use any more, is its error', async () => {
    const { clock, cacheOn } = sharing();
    const cache = cacheOn({ staleIfErrorMs: 500, secondTier: undefined });
    await cache.set('a', 'old');
    await clock.advance(1_200);
    const load = deferred();
    const call = watched(cache.getOrLoad('a', () => load.promise));
    await clock.advance(400);
    load.reject(new Error('down'));
    await clock.advance(0);
    expect(call.error).toMatchObject({ message: 'down' });
  });

  it('that was cut off is taken up by the flight that another caller has begun since', async () => {
    const { clock, cacheOn } = sharing();
    const cache = cacheOn({ secondTier: undefined });
    const loads = [deferred(), deferred()];
    const load = vi.fn((_key: string, { describe: tell }: { describe: (more: object) => void }) => {
      tell({ tags: ['t'] });
      return loads[load.mock.calls.length - 1]!.promise;
    });
    const early = watched(cache.getOrLoad('a', load));
    await cache.invalidateTags('t');
    const late = watched(cache.getOrLoad('a', load));
    // A deletion frees the key while the first load runs: a second one begins.
    await cache.delete('a');
    const next = watched(cache.getOrLoad('a', load));
    loads[0]!.resolve('old');
    await clock.advance(0);
    expect([early.value, late.state, next.state]).toEqual(['old', 'pending', 'pending']);
    loads[1]!.resolve('new');
    await clock.advance(0);
    expect([late.value, next.value, load.mock.calls.length]).toEqual(['new', 'new', 2]);
  });
});

describe('a value that can not be cloned', () => {
  const symbolic = { decode: () => Symbol('x'), encode: () => new Uint8Array(1), id: 16, name: 'odd' };

  it('fails those who load it, those who find it, and not the process', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn<unknown>({ values: 'cloned', secondTier: { store, codec: symbolic } });
    await cacheOn<unknown>({ secondTier: { store, codec: symbolic } }).set('a', 1);
    const call = watched(cache.get('a'));
    await clock.advance(0);
    expect((call.error as Error).name).toBe('DataCloneError');
    expect(await rejection(cache.getOrLoad('a', () => 1))).toMatchObject({ name: 'DataCloneError' });
  });

  it('fails the caller who would get it at once, too', async () => {
    const { clock, cacheOn } = sharing();
    const plain = cacheOn<unknown>({ values: 'cloned', secondTier: undefined });
    plain.load({
      format: 1,
      takenAt: clock.wallTime(),
      entries: [{ key: 'a', value: () => 1, ageMs: 0, freshMs: 1_000, remainingMs: 1_000, tags: [] }],
    });
    expect(await rejection(plain.get('a'))).toMatchObject({ name: 'DataCloneError' });
  });

  it('fails callers who were to get the stale one', async () => {
    const { clock, cacheOn } = sharing();
    const cache = cacheOn<unknown>({ values: 'cloned', staleIfErrorMs: 5_000, secondTier: undefined });
    cache.load({
      format: 1,
      takenAt: clock.wallTime(),
      entries: [{ key: 'a', value: () => 1, ageMs: 0, freshMs: 10, remainingMs: 5_000, tags: [] }],
    });
    await clock.advance(20);
    const down = (): never => {
      throw new Error('down');
    };
    expect(await rejection(cache.getOrLoad('a', down))).toMatchObject({ name: 'DataCloneError' });
  });
});
