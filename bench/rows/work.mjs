// Many tasks at once, single loads in batches, and resources on loan. Each is a multiple of another library doing the same, a
// thousand times per call, so that 1 is as fast and less is faster.
import { connectionPool } from '../../packages/core/dist/connection-pool/index.js';
import { batcher, parallelMap, workerPool } from '../../packages/core/dist/work/index.js';
import { work } from '../policies.mjs';

const TIMES = 1_000;
const AT_ONCE = 10;
const BORROWERS = 100;
const items = Array.from({ length: TIMES }, (_, item) => item);

/** A candidate that starts a thousand tasks at once and waits for all of them. */
const allOf = (start) => () => Promise.all(items.map((item) => start(item)));

/** A candidate of a hundred borrowers who share ten resources. */
function shared(acquire, release) {
  const borrower = async () => {
    for (let time = 0; time < TIMES / BORROWERS; time++) {
      const resource = await acquire();
      await work();
      release(resource);
    }
  };
  return () => Promise.all(Array.from({ length: BORROWERS }, borrower));
}

/** A candidate that borrows one resource a thousand times. */
const inTurn = (acquire, release) => async () => {
  for (let time = 0; time < TIMES; time++) release(await acquire());
};

const create = () => ({ alive: true });
/** Pools by name: each gives a candidate of how to acquire and release. */
const pools = {
  tarn: (use) => (candidate) => {
    const { Pool } = use('tarn');
    const pool = new Pool({ create, destroy: () => {}, min: 0, max: AT_ONCE });
    return candidate(
      () => pool.acquire().promise,
      (resource) => pool.release(resource),
    );
  },
  'generic-pool': (use) => (candidate) => {
    const { createPool } = use('generic-pool');
    const pool = createPool({ create: async () => create(), destroy: async () => {} }, { min: 0, max: AT_ONCE });
    return candidate(
      () => pool.acquire(),
      (resource) => pool.release(resource),
    );
  },
};
const ourPool = (candidate) => {
  const pool = connectionPool({ create, maxSize: AT_ONCE, maxOverflow: 0 });
  return candidate(
    () => pool.acquire(),
    (lease) => lease.release(),
  );
};

const pMap = (use) => {
  const { default: map } = use('p-map');
  return () => map(items, work, { concurrency: AT_ONCE });
};
const pQueue = (use) => {
  const { default: PQueue } = use('p-queue');
  const queue = new PQueue({ concurrency: AT_ONCE });
  return allOf(() => queue.add(work));
};
/** A loader that loads a key once in a batch and remembers nothing beyond it, as its own page shows: what ours does. */
const loader = (use) => {
  const { default: DataLoader } = use('dataloader');
  const loads = new DataLoader(
    async (keys) => {
      loads.clearAll();
      return keys;
    },
    { maxBatchSize: 100 },
  );
  return allOf((key) => loads.load(key));
};
/** One that loads a key as often as it is asked for. */
const loaderOfAll = (use) => {
  const { default: DataLoader } = use('dataloader');
  const loads = new DataLoader(async (keys) => keys, { cache: false, maxBatchSize: 100 });
  return allOf((key) => loads.load(key));
};

export const workRows = [
  {
    name: 'work, a thousand items mapped, to p-map',
    ceiling: 1,
    digits: 2,
    bareOf: pMap,
    ours: () => async () => {
      const results = [];
      for await (const result of parallelMap(items, work, { concurrency: AT_ONCE })) results.push(result);
      return results;
    },
    rivals: {
      'p-map': pMap,
      'p-map, its iterable': (use) => {
        const { pMapIterable } = use('p-map');
        return async () => {
          const results = [];
          for await (const result of pMapIterable(items, work, { concurrency: AT_ONCE })) results.push(result);
          return results;
        };
      },
    },
  },
  {
    name: 'work, a thousand tasks for ten workers, to p-queue',
    ceiling: 1,
    digits: 2,
    bareOf: pQueue,
    ours: () => {
      const pool = workerPool({ maxWorkers: AT_ONCE });
      return allOf(() => pool.execute(work));
    },
    rivals: {
      'p-queue': pQueue,
      'p-limit, without priorities': (use) => {
        const { default: pLimit } = use('p-limit');
        const limit = pLimit(AT_ONCE);
        return allOf(() => limit(work));
      },
    },
  },
  {
    name: 'work, a thousand loads in batches, to dataloader',
    ceiling: 1,
    digits: 2,
    bareOf: loader,
    ours: () => {
      const loads = batcher({ batch: async (keys) => keys, maxItems: 100 });
      return allOf((key) => loads.load(key));
    },
    rivals: { 'dataloader, each key once in a batch': loader, 'dataloader, each key each time': loaderOfAll },
  },
  {
    name: 'pool, a resource lent a thousand times, to tarn',
    ceiling: 1,
    digits: 2,
    bareOf: (use) => pools.tarn(use)(inTurn),
    ours: () => ourPool(inTurn),
    rivals: {
      tarn: (use) => pools.tarn(use)(inTurn),
      'generic-pool': (use) => pools['generic-pool'](use)(inTurn),
    },
  },
  {
    name: 'pool, a hundred borrowers for ten resources, to tarn',
    ceiling: 1,
    digits: 2,
    bareOf: (use) => pools.tarn(use)(shared),
    ours: () => ourPool(shared),
    rivals: {
      tarn: (use) => pools.tarn(use)(shared),
      'generic-pool': (use) => pools['generic-pool'](use)(shared),
    },
  },
];
