import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../clock/random.ts';
import { VirtualClock } from '../../../clock/virtual-clock.ts';
import { lru } from './lru.ts';
import { MemoryStore } from './memory-store.ts';
import type { MemoryStoreOptions, RemovalCause } from './options.ts';
import { s3Fifo } from './s3-fifo.ts';
import { wTinyLfu } from './w-tiny-lfu.ts';

function storeOf(options: MemoryStoreOptions<unknown> = {}) {
  const clock = new VirtualClock();
  const removed: [string, RemovalCause][] = [];
  const store = new MemoryStore<unknown>({
    clock,
    random: seededRandom(1),
    jitterRatio: 0,
    onRemoved: (key, _value, cause) => removed.push([key, cause]),
    ...options,
  });
  return { clock, store, removed };
}

const policies = [s3Fifo, wTinyLfu, lru];

describe('a memory store', () => {
  it('finds what was set, by its key alone', () => {
    const { store } = storeOf();
    store.set('a', 1);
    store.set('a:b', 2);
    store.set('', 3);
    expect([store.get('a'), store.get('a:b'), store.get(''), store.get('b')]).toEqual([1, 2, 3, undefined]);
    expect([store.has('a'), store.has('b'), store.peek('a'), store.size]).toEqual([true, false, 1, 3]);
  });

  it.each([s3Fifo, lru])(
    'keeps with $name what is read where it is present, and not what is only peeked at',
    (eviction) => {
      for (const [look, kept] of [
        ['getIfPresent', true],
        ['peek', false],
      ] as const) {
        const { store } = storeOf({ eviction, maxEntries: 10 });
        store.set('asked for', 1);
        for (let n = 0; n < 200; n++) {
          store[look]('asked for');
          store.set(`other:${n}`, n);
        }
        expect([look, store.has('asked for')]).toEqual([look, kept]);
      }
    },
  );

  it('counts what it finds where it is present as a hit, and what it does not find not at all', async () => {
    const { store, clock } = storeOf({ idleMs: 100, eviction: wTinyLfu });
    store.set('a', 1);
    await clock.advance(80);
    expect([store.getIfPresent('a'), store.getIfPresent('b')]).toEqual([1, undefined]);
    await clock.advance(80);
    expect([store.getIfPresent('a'), store.statistics.hits, store.statistics.misses]).toEqual([1, 2, 0]);
    await clock.advance(100);
    expect([store.getIfPresent('a'), store.statistics.misses]).toEqual([undefined, 0]);
  });

  it.each([null, undefined, 0, '', false, [], {}].map((value) => [JSON.stringify(value) ?? 'undefined', value]))(
    'keeps %s, which is a value like any other',
    (_name, value) => {
      const { store } = storeOf();
      store.set('a', value);
      expect([store.has('a'), store.get('a')]).toEqual([true, value]);
    },
  );

  it('replaces, deletes and clears, and says so', () => {
    const { store, removed } = storeOf();
    store.set('a', 1);
    store.set('a', 2);
    store.set('b', 3);
    expect([store.delete('a'), store.delete('a'), store.get('a')]).toEqual([true, false, undefined]);
    store.clear();
    expect([store.size, store.get('b'), [...store.keys()]]).toEqual([0, undefined, []]);
    expect(removed).toEqual([
      ['a', 'replaced'],
      ['a', 'deleted'],
      ['b', 'cleared'],
    ]);
    store.set('b', 4);
    expect([...store.entries()]).toEqual([['b', 4]]);
  });

  it.each(policies)('never holds more entries than allowed ($name)', (eviction) => {
    const { store, removed } = storeOf({ eviction, maxEntries: 50 });
    for (let n = 0; n < 500; n++) {
      store.set(`key:${n}`, n);
      expect(store.size).toBeLessThanOrEqual(50);
      store.get(`key:${n % 60}`);
    }
    expect(store.statistics).toMatchObject({ size: 50, evicted: 450 });
    expect(removed.every(([, cause]) => cause === 'evicted')).toBe(true);
    expect([...store.keys()]).toHaveLength(50);
  });

  it.each(policies)('works with room for a single entry ($name)', (eviction) => {
    const { store } = storeOf({ eviction, maxEntries: 1 });
    for (let n = 0; n < 10; n++) {
      store.set(`key:${n}`, n);
      expect([store.size, store.get(`key:${n}`)]).toEqual([1, n]);
    }
  });

  it.each(policies)('never holds more bytes than allowed, and refuses what alone is too large ($name)', (eviction) => {
    const { store, removed } = storeOf({
      eviction,
      maxEntries: Infinity,
      maxBytes: 100,
      sizeOf: (value) => value as number,
    });
    for (let n = 1; n <= 60; n++) {
      store.set(`key:${n}`, n);
      expect(store.statistics.bytes).toBeLessThanOrEqual(100);
    }
    store.set('key:60', 40);
    expect(store.set('key:60', 101)).toBe(false);
    expect([store.has('key:60'), store.statistics.tooLarge, removed.at(-1)]).toEqual([
      false,
      1,
      ['key:60', 'too-large'],
    ]);
    const bytes = [...store.entries()].reduce((sum, [, size]) => sum + (size as number), 0);
    expect(store.statistics.bytes).toBe(bytes);
  });

  it('counts the bytes of keys and values by itself where nobody says how', () => {
    const { store } = storeOf({ maxBytes: 10_000 });
    store.set('text', 'x'.repeat(1_000));
    expect(store.statistics.bytes).toBeGreaterThan(2_000);
    store.set('text', new Uint8Array(500));
    expect(store.statistics.bytes).toBeLessThan(1_000);
    expect(store.set('loop', new Array(10).fill('x'.repeat(1_000)))).toBe(false);
  });

  it('needs a bound', () => {
    expect(() => new MemoryStore({ maxEntries: Infinity })).toThrow(/maxBytes/);
    expect(() => new MemoryStore({ maxEntries: 0 })).toThrow(/maxEntries/);
    expect(() => new MemoryStore({ maxSize: 5 } as never)).toThrow(/maxSize/);
    expect(() => new MemoryStore({ eviction: 'lru' as never })).toThrow(/eviction policy/);
  });
});

describe('an entry whose time is up', () => {
  it('is not found any more, to the millisecond', async () => {
    const { clock, store } = storeOf();
    store.set('a', 1, 100);
    await clock.advance(99);
    expect([store.get('a'), store.remainingMs('a')]).toEqual([1, 1]);
    await clock.advance(1);
    expect([store.has('a'), store.peek('a'), store.remainingMs('a'), store.get('a')]).toEqual([
      false,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('leaves without being read, soon after, and no timer is left when all have gone', async () => {
    const { clock, store, removed } = storeOf();
    const lives = [1, 3_000, 6_000, 70_000, 4_000_000, 90_000_000, 4 * 86_400_000, 300 * 86_400_000];
    for (const life of lives) store.set(`for ${life}`, life, life);
    expect(clock.pendingTimers).toBe(1);
    for (const [gone, life] of lives.entries()) {
      await clock.advance(life - clock.now());
      expect(store.size).toBeGreaterThanOrEqual(lives.length - gone - 1);
      await clock.advance(1_100);
      expect(store.size).toBe(lives.length - gone - 1);
    }
    expect(removed).toEqual(lives.map((life) => [`for ${life}`, 'expired']));
    expect([clock.pendingTimers, store.statistics.expired]).toEqual([0, lives.length]);
  });

  it('leaves among a hundred thousand of the same second in portions', async () => {
    const { clock, store } = storeOf({ maxEntries: 100_000 });
    for (let n = 0; n < 100_000; n++) store.set(`key:${n}`, n, 10_000);
    await clock.advance(10_000);
    await clock.advanceToNextTimer();
    expect(store.size).toBe(100_000 - 4_096);
    await clock.advance(1_100);
    expect(store.size).toBe(0);
  });

  it('has the time that was said last, longer or shorter', async () => {
    const { clock, store } = storeOf();
    store.set('longer', 1, 1_000);
    store.set('longer', 2, 10_000);
    store.set('shorter', 1, 10_000_000);
    store.set('shorter', 2, 1_000);
    await clock.advance(3_000);
    expect([store.get('longer'), store.size]).toEqual([2, 1]);
    await clock.advance(9_000);
    expect(store.size).toBe(0);
  });

  it('lives for an hour by default, give or take a tenth, each its own', async () => {
    const clock = new VirtualClock();
    const store = new MemoryStore<number>({ clock, random: seededRandom(1) });
    for (let n = 0; n < 1_000; n++) store.set(`key:${n}`, n);
    const lives = [...store.keys()].map((key) => store.remainingMs(key)!);
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(3_600_000 * 0.9);
    expect(Math.max(...lives)).toBeLessThanOrEqual(3_600_000 * 1.1);
    expect(Math.max(...lives) - Math.min(...lives)).toBeGreaterThan(3_600_000 * 0.15);
    await clock.advance(3_600_000 * 1.1 + 1_100);
    expect(store.size).toBe(0);
  });

  it('may live for ever, and refuses a time that is none', () => {
    const { clock, store } = storeOf();
    store.set('a', 1, Infinity);
    expect([clock.pendingTimers, store.remainingMs('a')]).toEqual([0, Infinity]);
    for (const life of [0, -1, NaN]) expect(() => store.set('a', 1, life)).toThrow(RangeError);
  });

  it('is not brought back by a wall clock that jumps', async () => {
    const { clock, store } = storeOf();
    store.set('a', 1, 1_000);
    clock.jumpWallTime(-86_400_000);
    await clock.advance(1_000);
    expect(store.get('a')).toBeUndefined();
  });
});

describe('an entry that nobody reads', () => {
  it('leaves after the idle time, and each reading lets it stay', async () => {
    const { clock, store, removed } = storeOf({ idleMs: 5_000 });
    store.set('read', 1);
    store.set('idle', 2);
    for (let n = 0; n < 4; n++) {
      await clock.advance(2_000);
      expect(store.get('read')).toBe(1);
    }
    expect([removed, store.statistics.idle]).toEqual([[['idle', 'idle']], 1]);
    await clock.advance(7_000);
    expect([store.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('is not found once its idle time is over, though it has not left yet', async () => {
    const { clock, store } = storeOf({ idleMs: 100 });
    store.set('a', 1);
    await clock.advance(100);
    expect([store.has('a'), store.get('a')]).toEqual([false, undefined]);
  });
});

describe('the index of a memory store', () => {
  it('finds a key as fast after ten thousand deletions as before', () => {
    const { store } = storeOf({ maxEntries: 5_000 });
    for (let n = 0; n < 5_000; n++) store.set(`key:${n}`, n);
    for (let n = 0; n < 20_000; n++) {
      store.delete('key:7');
      store.set('key:7', n);
    }
    expect([store.size, store.get('key:7')]).toEqual([5_000, 19_999]);
  });

  it('withstands keys that were chosen to collide', () => {
    const { store } = storeOf({ maxEntries: 10_000 });
    // Pairs of blocks whose differences cancel in the quick hash whatever its seed.
    const blocks = [
      'aaaa',
      `a${String.fromCharCode(97 ^ 0x8000)}${String.fromCharCode(97)}${String.fromCharCode(97 ^ 0x8001)}`,
    ];
    const keys: string[] = [];
    for (let n = 0; n < 4_096; n++) {
      keys.push(Array.from({ length: 12 }, (_, bit) => blocks[(n >> bit) & 1]).join(''));
    }
    for (const [n, key] of keys.entries()) store.set(key, n);
    expect(keys.every((key, n) => store.get(key) === n)).toBe(true);
    expect(longestChain(store)).toBeLessThan(24);
  });
});

function longestChain(store: MemoryStore<unknown>): number {
  const { buckets, next } = (store as unknown as { index: { buckets: Int32Array; next: Int32Array } }).index;
  let longest = 0;
  for (const first of buckets) {
    let length = 0;
    for (let slot = first; slot >= 0; slot = next[slot]!) length++;
    longest = Math.max(longest, length);
  }
  return longest;
}
