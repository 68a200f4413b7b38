import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../clock/random.ts';
import { VirtualClock } from '../../../clock/virtual-clock.ts';
import { lru } from './lru.ts';
import { MemoryStore } from './memory-store.ts';
import { s3Fifo } from './s3-fifo.ts';
import { keyedHash } from './string-hash.ts';
import { wTinyLfu } from './w-tiny-lfu.ts';

const policies = [lru, s3Fifo, wTinyLfu];
const storeOf = (eviction: (typeof policies)[number], more: object = {}) =>
  new MemoryStore<number>({ maxEntries: 50, eviction, clock: new VirtualClock(), random: seededRandom(3), ...more });

/** Asks for keys of which few are popular, and sets what is missing. */
function use(store: MemoryStore<number>, requests: number, keys: number, random = seededRandom(1)): number {
  let hits = 0;
  for (let n = 0; n < requests; n++) {
    const key = `key ${Math.floor(random.next() ** 3 * keys)}`;
    if (store.get(key) !== undefined) hits++;
    else store.set(key, n);
  }
  return hits;
}

describe.each(policies)('eviction by $name', (eviction) => {
  it('begins anew after everything was cleared', () => {
    const [store, fresh] = [storeOf(eviction), storeOf(eviction)];
    use(store, 5_000, 500);
    store.clear();
    expect(store.size).toBe(0);
    const [hits, expected] = [use(store, 5_000, 500), use(fresh, 5_000, 500)];
    expect(store.size).toBe(50);
    // What has been learnt of the traffic, such as the size of a window, may stay.
    expect(Math.abs(hits - expected)).toBeLessThan(0.05 * expected);
  });

  it('fills the room that deletions make, wherever the deleted stood', () => {
    const store = storeOf(eviction);
    const random = seededRandom(9);
    for (let round = 0; round < 200; round++) {
      use(store, 50, 200, random);
      for (const key of [...store.keys()]) if (random.next() < 0.5) store.delete(key);
      expect(store.size).toBeLessThanOrEqual(50);
    }
    const deleted = [...store.keys()];
    for (const key of deleted) expect(store.delete(key)).toBe(true);
    expect(store.size).toBe(0);
    for (let n = 0; n < 60; n++) store.set(`new ${n}`, n);
    expect(store.size).toBe(50);
  });

  it('has its bytes free again after everything was cleared', () => {
    const store = storeOf(eviction, { maxBytes: 1_000, sizeOf: () => 100 });
    for (let n = 0; n < 30; n++) store.set(`key ${n}`, n);
    expect(store.statistics).toMatchObject({ size: 10, bytes: 1_000 });
    store.clear();
    expect(store.statistics).toMatchObject({ size: 0, bytes: 0 });
    store.set('a', 1);
    expect(store.statistics).toMatchObject({ size: 1, bytes: 100 });
  });
});

describe.each(policies)('an entry that grows ($name)', (eviction) => {
  it('makes as many others leave as it takes, and stays', () => {
    const store = storeOf(eviction, { maxBytes: 1_000, sizeOf: (bytes: number) => bytes });
    for (let n = 0; n < 10; n++) store.set(`key ${n}`, 100);
    for (let n = 0; n < 10; n++) store.get(`key ${n}`);
    store.set('key 5', 500);
    expect([store.get('key 5'), store.size, store.statistics.bytes]).toEqual([500, 6, 1_000]);
  });
});

describe('a hash with a secret', () => {
  it('tells keys apart whose lengths differ by nothing but a zero', () => {
    const keys = ['', '\u0000', '\u0000\u0000', 'a', 'a\u0000', 'ab', 'abc', 'abc\u0000'];
    expect(new Set(keys.map((key) => keyedHash(key, 1, 2))).size).toBe(keys.length);
    expect(keyedHash('abc', 1, 2)).not.toBe(keyedHash('abc', 1, 3));
  });
});
