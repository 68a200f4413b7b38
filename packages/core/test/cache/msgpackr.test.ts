/** The port of msgpackr, held to the package itself. */
import { createCache, jsonCodec, packCodec, type Codec } from 'breakwater/cache';
import { seededRandom, VirtualClock } from 'breakwater/testing';
import { Packr, pack, unpack } from 'msgpackr';
import { expect, it } from 'vitest';
import { SharedStore } from '../../src/cache/test-support/shared-store.ts';

const rows = Array.from({ length: 20 }, (_, n) => ({ n, name: `row ${n}` }));
const plain = {
  at: new Date(1_700_000_000_000),
  big: 2n ** 60n,
  numbers: [1.5, Infinity],
  none: null,
  text: 'ключ 🔑',
  rows,
};
const rich = {
  map: new Map<unknown, unknown>([['k', new Set([1, 'two'])]]),
  huge: 2n ** 70n,
  bytes: Uint8Array.of(0, 255),
};

/** Packers by name, each with what it keeps. */
const packers = {
  'a packer': { make: () => new Packr(), value: plain },
  'a packer with more types': { make: () => new Packr({ moreTypes: true }), value: { ...plain, ...rich } },
  'a packer without records': { make: () => new Packr({ useRecords: false }), value: plain },
  'the package itself': { make: () => ({ pack, unpack }), value: plain },
};

/** Caches that share a second tier, as processes do. */
function sharing() {
  const clock = new VirtualClock();
  const store = new SharedStore(clock);
  const cacheWith = (codec: Codec) =>
    createCache<unknown>({ clock, random: seededRandom(1), secondTier: { store, codec } });
  return { cacheWith, store };
}

it.each(Object.entries(packers))('%s: another process reads what one has written', async (_name, { make, value }) => {
  const { cacheWith } = sharing();
  await cacheWith(packCodec(make())).set('a', value);
  expect(await cacheWith(packCodec(make())).get('a')).toEqual(value);
});

it('takes less than half the room of JSON for rows of the same shape', () => {
  expect(packCodec(new Packr()).encode(rows).length).toBeLessThan(jsonCodec.encode(rows).length / 2);
});

it('keeps in memory what it can not pack, deletes what was there before, and says so', async () => {
  const { cacheWith, store } = sharing();
  const cache = cacheWith(packCodec(new Packr()));
  const told: unknown[] = [];
  cache.on('cache-tier-failed', ({ operation }) => told.push(operation));
  await cache.set('a', 1);
  await cache.set('a', rich.huge);
  expect([cache.peek('a'), told]).toEqual([rich.huge, ['encode']]);
  expect([store.kept.get('a')?.bytes, await cacheWith(packCodec(new Packr())).get('a')]).toEqual([
    undefined,
    undefined,
  ]);
});

it('is a miss for a cache with another codec, and the other way round', async () => {
  const codecs = [packCodec(new Packr()), jsonCodec];
  for (const codec of codecs) {
    const { cacheWith } = sharing();
    await cacheWith(codec).set('a', 1);
    const other = cacheWith(codecs.find((each) => each !== codec)!);
    expect([await other.get('a'), other.statistics.poison]).toEqual([undefined, 1]);
  }
});

it('takes a value that it can not unpack for a miss', async () => {
  const { cacheWith } = sharing();
  await cacheWith({ ...jsonCodec, id: 3 }).set('a', { long: 'enough to be something else' });
  const cache = cacheWith(packCodec(new Packr()));
  expect([await cache.get('a'), cache.statistics.poison]).toEqual([undefined, 1]);
});
