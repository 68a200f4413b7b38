// The cache. Its times are multiples of another cache doing the same, and what can be counted is counted: loads, misses
// in a hundred, bytes.
import { createCache, MemoryStore, wTinyLfu } from '../../packages/core/dist/cache/index.js';
import { seededRandom } from '../measure.mjs';

const ENTRIES = 10_000;
const ITEMS = 100_000;
const HOUR_MS = 3_600_000;
const OPERATIONS = 1_000;
const CALLERS = 1_000;

/** Items by popularity, the nth in proportion to 1 / n^0.99: the generator of YCSB. */
function zipf(requests) {
  const theta = 0.99;
  const random = seededRandom(3);
  let zeta = 0;
  for (let item = 1; item <= ITEMS; item++) zeta += item ** -theta;
  const eta = (1 - (2 / ITEMS) ** (1 - theta)) / (1 - (1 + 2 ** -theta) / zeta);
  return Array.from({ length: requests }, () => {
    const u = random();
    if (u * zeta < 1) return 0;
    if (u * zeta < 1 + 0.5 ** theta) return 1;
    return Math.floor(ITEMS * (eta * u - eta + 1) ** (1 / (1 - theta)));
  });
}

// Keys as they come off a socket: flat texts that nobody has hashed or compared before.
const keys = Array.from({ length: ITEMS }, (_, item) => Buffer.from(`user:${item}:profile`).toString());
const popular = zipf(500_000).map((item) => keys[item]);
const value = { name: 'value' };

/** Memory stores by name: each makes one for so many entries, with get and set. */
const stores = {
  'lru-cache': (use) => {
    const { LRUCache } = use('lru-cache');
    return (max) => new LRUCache({ max, ttl: HOUR_MS });
  },
  'lru-cache without times': (use) => {
    const { LRUCache } = use('lru-cache');
    return (max) => new LRUCache({ max });
  },
  transitory: (use) => {
    const { newCache } = use('transitory');
    return (max) => {
      const cache = newCache().maxSize(max).expireAfterWrite(HOUR_MS).build();
      return { get: (key) => cache.getIfPresent(key) ?? undefined, set: (key, item) => cache.set(key, item) };
    };
  },
  'mnemonist, without times': (use) => {
    const { LRUMap } = use('mnemonist');
    return (max) => new LRUMap(max);
  },
};
const ourStore = (options) => (maxEntries) => new MemoryStore({ maxEntries, ...options });

/** A candidate that does a thousand operations: get, and set where there is nothing. */
function getOrSet(make) {
  const store = make(ENTRIES);
  for (const key of popular.slice(0, 200_000)) if (store.get(key) === undefined) store.set(key, value);
  let at = 0;
  return async () => {
    for (let n = 0; n < OPERATIONS; n++) {
      const key = popular[at];
      at = at + 1 === popular.length ? 0 : at + 1;
      if (store.get(key) === undefined) store.set(key, value);
    }
  };
}

/** One that sets a thousand keys, none of which is there. */
function churn(make) {
  const store = make(ENTRIES);
  let at = 0;
  return async () => {
    for (let n = 0; n < OPERATIONS; n++) {
      store.set(keys[at], value);
      at = at + 1 === ITEMS ? 0 : at + 1;
    }
  };
}

const others = (candidate, names = Object.keys(stores).slice(1)) =>
  Object.fromEntries(names.map((name) => [name, (use) => candidate(stores[name](use))]));

/** Caches with a loader by name: each gives a function that loads a key through it. */
const loading = {
  bentocache: (use, load) => {
    const { BentoCache, bentostore } = use('bentocache');
    const { memoryDriver } = use('bentocache/drivers/memory');
    const store = bentostore().useL1Layer(memoryDriver({ maxItems: ENTRIES }));
    const cache = new BentoCache({ default: 'memory', stores: { memory: store } });
    return (key) => cache.getOrSet({ key, factory: () => load(key), ttl: HOUR_MS });
  },
  cacheable: (use, load) => {
    const { Cacheable } = use('cacheable');
    const cache = new Cacheable();
    return (key) => cache.getOrSet(key, () => load(key), { ttl: HOUR_MS });
  },
  'cache-manager': (use, load) => {
    const cache = use('cache-manager').createCache();
    return (key) => cache.wrap(key, () => load(key), HOUR_MS);
  },
  'async-cache-dedupe': (use, load) => {
    const cache = use('async-cache-dedupe').createCache({ ttl: HOUR_MS / 1_000, storage: { type: 'memory' } });
    cache.define('load', load);
    return (key) => cache.load(key);
  },
  // It has no loader: this is what its users write around it.
  'keyv, by hand': (use, load) => {
    const { Keyv } = use('keyv');
    const cache = new Keyv({ ttl: HOUR_MS });
    return async (key) => {
      const kept = await cache.get(key);
      if (kept !== undefined) return kept;
      const loaded = await load(key);
      await cache.set(key, loaded);
      return loaded;
    };
  },
};
const ourLoading = (load) => {
  const cache = createCache({ ttlMs: HOUR_MS, maxEntries: ENTRIES });
  return (key) => cache.getOrLoad(key, load);
};

/** A candidate that asks for one of a hundred keys which are there. */
async function freshHit(ask) {
  const asked = keys.slice(0, 100);
  for (const key of asked) await ask(key);
  let at = 0;
  return () => {
    at = at + 1 === 100 ? 0 : at + 1;
    return ask(asked[at]);
  };
}

const one = async () => value;
const map = new Map(keys.slice(0, 100).map((key) => [key, value]));

/** How many loads a thousand callers at a time cause. */
async function loadsOf(askerOf, rejects) {
  let loads = 0;
  const ask = askerOf(async () => {
    loads++;
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (rejects) throw new Error('down');
    return value;
  });
  await Promise.allSettled(Array.from({ length: CALLERS }, () => ask('key')));
  return loads;
}

const stampede = (rejects) => ({
  ours: () => loadsOf(ourLoading, rejects),
  rivals: Object.fromEntries(
    Object.entries(loading).map(([name, make]) => [name, (use) => loadsOf((load) => make(use, load), rejects)]),
  ),
});

/** How many of a hundred requests a store can't answer, once it is warm. */
function misses(make, entries, requests, warmUp) {
  const store = make(entries);
  let missed = 0;
  for (const [at, key] of requests.entries()) {
    if (store.get(key) !== undefined) continue;
    store.set(key, value);
    if (at >= warmUp) missed++;
  }
  return (100 * missed) / (requests.length - warmUp);
}

const loop = Array.from({ length: 505_500 }, (_, at) => keys[at % 1_011]);

/** What the process grows by with a hundred thousand entries, whose keys and values are there before, a piece. */
async function bytesOfEntry(make) {
  const used = async () => {
    // What arrays held is given back some time after they were collected.
    for (let turn = 0; turn < 3; turn++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + Math.max(external, arrayBuffers);
  };
  const before = await used();
  const store = make(ITEMS);
  for (const key of keys) store.set(key, value);
  const bytes = ((await used()) - before) / ITEMS;
  if (store.get(keys[0]) === undefined && store.get(keys[ITEMS - 1]) === undefined) throw new Error('nothing was kept');
  return bytes;
}

const lruOf = (use) => stores['lru-cache'](use);

export const cacheRows = [
  {
    name: 'cache memory, get or set, to lru-cache',
    ceiling: 1 / 1.3,
    digits: 2,
    bareOf: (use) => getOrSet(lruOf(use)),
    ours: () => getOrSet(ourStore()),
    rivals: others(getOrSet),
  },
  {
    name: 'cache memory, new keys, to lru-cache',
    ceiling: 1,
    digits: 2,
    bareOf: (use) => churn(lruOf(use)),
    ours: () => churn(ourStore()),
    rivals: others(churn),
  },
  {
    name: 'cache, a fresh hit, to an async Map',
    ceiling: 300 / 164,
    digits: 2,
    bareOf: () => freshHit(async (key) => map.get(key)),
    ours: () => freshHit(ourLoading(one)),
    rivals: Object.fromEntries(
      Object.entries(loading).map(([name, make]) => [name, (use) => freshHit(make(use, one))]),
    ),
  },
  { name: 'cache, loads for 1,000 callers', ceiling: 1, unit: 'count', ...stampede(false) },
  { name: 'cache, loads for 1,000 callers, failing', ceiling: 1, unit: 'count', ...stampede(true) },
  {
    name: 'cache memory, misses in 100, zipf 0.99',
    unit: 'count',
    // Four points fewer than LRU, which misses 27.15.
    ceiling: 23.15,
    ours: () => misses(ourStore(), ENTRIES, popular, 200_000),
    rivals: others((make) => misses(make, ENTRIES, popular, 200_000), Object.keys(stores).slice(0, 3)),
  },
  {
    name: 'cache memory, misses in 100, loop, W-TinyLFU',
    unit: 'count',
    ceiling: 51.6,
    // Which counters its keys share is chance: the mean of ten chances.
    ours: () => {
      const chance = (seed) => ourStore({ eviction: wTinyLfu, random: { next: seededRandom(seed) } });
      const rates = Array.from({ length: 10 }, (_, seed) => misses(chance(seed + 1), 500, loop, 0));
      return rates.reduce((sum, rate) => sum + rate) / rates.length;
    },
    rivals: others((make) => misses(make, 500, loop, 0), Object.keys(stores).slice(0, 3)),
  },
  {
    name: 'cache memory, bytes an entry',
    unit: 'count',
    ceiling: 65,
    ours: () => bytesOfEntry(ourStore()),
    rivals: others(bytesOfEntry, Object.keys(stores)),
  },
];
