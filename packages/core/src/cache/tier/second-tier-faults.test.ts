import { describe, expect, it, vi } from 'vitest';
import { rejection, watched } from '../../testing/test-support/watched.ts';
import { SharedStore } from '../test-support/shared-store.ts';
import { jsonCodec } from '../codec/json-codec.ts';
import { sharing } from '../test-support/sharing.ts';

describe('a store that is away', () => {
  it('is pinged until it answers, and not asked meanwhile', async () => {
    const { clock, store, cacheOn, asked } = sharing();
    const cache = cacheOn();
    store.failure = new Error('refused');
    await cache.get('a');
    const [reads, pings] = [asked('read'), asked('ping')];
    await clock.advance(1_000);
    expect(await cache.get('a')).toBeUndefined();
    expect([asked('read') - reads, asked('ping') - pings]).toEqual([0, 5]);
    store.failure = undefined;
    await clock.advance(200);
    await cache.get('a');
    expect(asked('read') - reads).toBe(1);
  });

  it('is not scanned, and that is no empty answer', async () => {
    const { store, cacheOn } = sharing();
    const cache = cacheOn();
    store.failure = new Error('refused');
    await cache.get('a');
    expect(await rejection(cache.deleteMatching('*'))).toMatchObject({ code: 'CACHE_TIER_UNAVAILABLE' });
  });

  it('is told of invalidated tags when it is back', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn();
    await cache.set('a', 'old', { tags: ['t'] });
    store.failure = new Error('refused');
    await cache.get('b');
    await cache.invalidateTags('t');
    expect(await cacheOn().get('a')).toBeUndefined();
    store.failure = undefined;
    await clock.advance(1_000);
    const other = cacheOn();
    expect(await other.get('a')).toBeUndefined();
    expect(other.statistics.tierFailures).toBe(0);
  });

  it('that throws instead of rejecting is one that gives no answer', async () => {
    const { store, cacheOn } = sharing();
    const read = (): never => {
      throw new Error('bug');
    };
    const broken = Object.assign(Object.create(store) as SharedStore, { read, open: () => broken });
    const cache = cacheOn({ store: broken });
    expect([await cache.get('a'), cache.statistics.tierFailures]).toEqual([undefined, 1]);
    expect(await rejection(cacheOn({ store: broken, onFailure: 'throw' }).get('a'))).toMatchObject({ message: 'bug' });
  });

  it('that answers something else than what was asked for is one that gives no answer', async () => {
    const { store, cacheOn } = sharing();
    const broken = Object.assign(Object.create(store) as SharedStore, { read: async () => ({}), open: () => broken });
    expect(await cacheOn({ store: broken }).get('a')).toBeUndefined();
    expect(await cacheOn({ store: broken }).getOrLoad('a', () => 'loaded')).toBe('loaded');
  });
});

describe('a store that answers some questions only', () => {
  it('gives no value whose tags it says nothing of, and no error unless that is asked for', async () => {
    const { store, cacheOn } = sharing();
    await cacheOn().set('a', 'x', { tags: ['t'] });
    store.failing = new Set(['generations']);
    expect(await cacheOn().get('a')).toBeUndefined();
    expect(await rejection(cacheOn({ onFailure: 'throw' }).get('a'))).toMatchObject({ message: 'read-only' });
    store.failing = new Set();
    expect(await cacheOn().get('a')).toBe('x');
  });

  it('keeps poison that it can not remove, and nobody gets it', async () => {
    const { store, cacheOn } = sharing();
    await cacheOn({ schemaVersion: 1 }).set('a', 'other');
    store.failing = new Set(['discard']);
    const cache = cacheOn();
    expect([await cache.get('a'), cache.statistics.poison]).toEqual([undefined, 1]);
    expect(store.kept.get('a')?.bytes).toBeDefined();
  });

  it('lets all load that it gives no lease', async () => {
    const { store, cacheOn } = sharing();
    store.failing = new Set(['lease', 'release']);
    const caches = [1, 2].map(() => cacheOn({ distributedFlight: true }));
    expect(await Promise.all(caches.map((cache, n) => cache.getOrLoad('a', () => n)))).toEqual([0, 1]);
  });
});

describe('a slow store', () => {
  it('makes several loads wait for the soft deadline at once, and is suspected once', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn();
    store.delayMs = 80;
    const first = watched(cache.getOrLoad('a', () => 1));
    await clock.advance(10);
    const second = watched(cache.getOrLoad('b', () => 2));
    await clock.advance(50);
    expect([first.value, second.value]).toEqual([1, 2]);
    await clock.advance(100);
    store.delayMs = 0;
    expect(await cacheOn().get('c')).toBeUndefined();
  });

  it('has failed when several questions have, and is away once', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn();
    const states: string[] = [];
    cache.on('cache-tier-state', ({ state }) => states.push(state));
    store.delayMs = Infinity;
    const calls = [watched(cache.get('a'))];
    await clock.advance(10);
    calls.push(watched(cache.get('b')));
    await clock.advance(250);
    expect([calls.map(({ state }) => state), states]).toEqual([['fulfilled', 'fulfilled'], ['unavailable']]);
  });

  it('writes behind when it is no longer suspected', async () => {
    const { clock, store, cacheOn, asked } = sharing();
    const cache = cacheOn({ write: 'behind', writeDelayMs: 100, hardTimeoutMs: 1_000 });
    store.delayMs = 300;
    void cache.getOrLoad('a', () => 1);
    await clock.advance(60);
    await cache.set('b', 2);
    await clock.advance(120);
    expect(asked('write')).toBe(0);
    store.delayMs = 0;
    await clock.advance(1_000);
    expect(await cacheOn().get('b')).toBe(2);
  });

  it('is not given a value whose time was up before it could be written', async () => {
    const { clock, store, cacheOn, asked } = sharing();
    const cache = cacheOn({ softTimeoutMs: 5_000, hardTimeoutMs: 10_000 }, { ttlMs: 500 });
    store.delayMs = 400;
    const call = watched(
      cache.getOrLoad('a', (_key, { describe: tell }) => {
        // The generation of a tag that only the loader names is asked for before the value is written.
        tell({ tags: ['t'], ttlMs: 300 });
        return 1;
      }),
    );
    await clock.advance(2_000);
    expect([call.value, asked('generations'), asked('write')]).toEqual([1, 1, 0]);
  });

  it('holds the last of several values of a key, in whichever order they were confirmed', async () => {
    const { clock, store, cacheOn } = sharing();
    const cache = cacheOn({ softTimeoutMs: 5_000, hardTimeoutMs: 10_000 });
    store.delayMs = 100;
    const first = watched(cache.set('a', 'first'));
    await clock.advance(150);
    store.delayMs = 10;
    const second = watched(cache.set('a', 'second'));
    await clock.advance(1_000);
    expect([first.state, second.state, cache.statistics.lost]).toEqual(['fulfilled', 'fulfilled', 0]);
    expect(await cache.get('a')).toBe('second');
  });
});

describe('reading', () => {
  it.each([undefined, 'nonsense', {}, { records: [undefined] }, Promise.resolve(undefined)])(
    'goes on without a store that gives no reading: %o',
    async (reading) => {
      const { store, cacheOn } = sharing();
      store.read = () => reading as never;
      expect(await cacheOn().getOrLoad('a', () => 'loaded')).toBe('loaded');
      expect(await rejection(cacheOn({ onFailure: 'throw' }).get('a'))).toBeInstanceOf(Error);
    },
  );

  it('of more keys than fit takes several questions, and of those that fit one', async () => {
    const { cacheOn, asked } = sharing();
    const keys = Array.from({ length: 600 }, (_, n) => `key ${n}`);
    const cache = cacheOn();
    expect(await cache.getMany(keys)).toEqual(keys.map(() => undefined));
    expect(asked('read')).toBe(3);
    await cache.getMany(keys.slice(0, 256));
    expect(asked('read')).toBe(4);
  });

  it('asks for the tags of every key that is asked for with others', async () => {
    const { cacheOn, asked } = sharing();
    const cache = cacheOn();
    const loads = ['a', 'b', 'c'].map((key) => cache.getOrLoad(key, () => key, { tags: [`tag of ${key}`, 'all'] }));
    expect(await Promise.all(loads)).toEqual(['a', 'b', 'c']);
    expect([asked('read'), asked('generations')]).toEqual([1, 0]);
    const other = cacheOn();
    await other.invalidateTags('tag of b');
    expect(await other.getMany(['a', 'b', 'c'])).toEqual(['a', undefined, 'c']);
  });

  it('says what is wrong with bytes that are whole and make no sense', async () => {
    const { store, cacheOn } = sharing();
    const faults: string[] = [];
    const cache = cacheOn({
      codec: {
        ...jsonCodec,
        decode: () => {
          throw new Error('not today');
        },
      },
    });
    cache.on('cache-poison', ({ fault }) => faults.push(fault));
    await cacheOn().set('a', 1);
    expect([await cache.get('a'), faults, store.kept.get('a')]).toEqual([undefined, ['undecodable'], undefined]);
  });
});

describe('a value that can not be written', () => {
  it('after its load stays in memory, and the reason is told whatever it is', async () => {
    const { clock, store, cacheOn } = sharing();
    const bug = new Error('the codec is broken');
    const encode = (): never => {
      throw bug;
    };
    const cache = cacheOn({ codec: { ...jsonCodec, encode } });
    const told: unknown[] = [];
    cache.on('cache-tier-failed', ({ operation, error, key }) => told.push([operation, error, key]));
    expect(await cache.getOrLoad('a', () => 1)).toBe(1);
    await clock.advance(0);
    expect([cache.peek('a'), told, store.kept.size]).toEqual([1, [['encode', bug, 'a']], 0]);
  });

  it('is tried once, and not again and again', async () => {
    const { clock, cacheOn, asked } = sharing();
    const encode = vi.fn((): never => {
      throw new Error('the codec is broken');
    });
    const cache = cacheOn({ codec: { ...jsonCodec, encode } });
    await cache.set('a', 1);
    await clock.advance(10_000);
    expect([encode.mock.calls.length, asked('remove')]).toEqual([1, 1]);
  });
});

describe('a validator', () => {
  it('may be a function, as those of some libraries are', async () => {
    const { cacheOn } = sharing();
    await cacheOn().set('a', 1);
    const decode = Object.assign(() => undefined, {
      '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value: [value] }) },
    });
    expect(await cacheOn({ decode }).get('a')).toEqual([1]);
    expect(() => cacheOn({ decode: 7 as never })).toThrow('decode: expected a Standard Schema validator');
  });
});
