// Rate limits: a decision on one key, and the scheduling of work that does nothing. In nanoseconds, since there is no bare call to
// compare a decision with; the reading of the clock, which each of them needs, stands beside them.
import { rateLimiter } from '../../packages/core/dist/rate-limit/index.js';
import { median } from '../measure.mjs';
import { work } from '../policies.mjs';
import { decisions } from '../run.mjs';

/** So much that nobody is ever refused: what is measured is a decision, not a refusal. */
const limit = 1_000_000_000;
const key = 'client-7';
const priorities = ['critical', 'high', 'normal', 'low'];

/** Calls `schedule(priority)` with one priority after the other. */
function inTurns(schedule) {
  let turn = 0;
  return () => schedule(turn++ & 3);
}

const decision = {
  name: 'rate limit, a decision on one key',
  unit: 'ns',
  ceiling: 90,
  loop: decisions,
  ours: () => {
    const limiter = rateLimiter({ limit, periodMs: 1_000, burst: 1_000_000 });
    return () => limiter.tryAcquire(key);
  },
  rivals: {
    'reading the clock alone': () => () => performance.now(),
    'rate-limiter-flexible': (use) => {
      const { RateLimiterMemory } = use('rate-limiter-flexible');
      const limiter = new RateLimiterMemory({ points: limit, duration: 1 });
      return () => limiter.consume(key);
    },
    'limiter, without keys': (use) => {
      const { RateLimiter } = use('limiter');
      const limiter = new RateLimiter({ tokensPerInterval: limit, interval: 'second' });
      return () => limiter.tryRemoveTokens(1);
    },
    'express-rate-limit, its store': (use) => {
      const { MemoryStore } = use('express-rate-limit');
      const store = new MemoryStore();
      store.init({ windowMs: 1_000 });
      return () => store.increment(key);
    },
  },
};

const scheduling = {
  name: 'rate limit, scheduling a no-op with four priorities',
  unit: 'ns',
  ceiling: 1_200,
  loop: decisions,
  ours: () => {
    const limiter = rateLimiter({ limit, periodMs: 1_000, burst: 1_000_000 });
    const options = priorities.map((priority) => ({ priority }));
    return inTurns((turn) => limiter.acquire(key, options[turn]).then(work));
  },
  rivals: {
    'p-limit, without priorities': (use) => {
      const { default: pLimit } = use('p-limit');
      const schedule = pLimit(10);
      return () => schedule(work);
    },
    'p-queue': (use) => {
      const { default: PQueue } = use('p-queue');
      const queue = new PQueue({ concurrency: 10 });
      return inTurns((turn) => queue.add(work, { priority: turn }));
    },
    'p-map, without priorities': (use) => {
      const { default: pMap } = use('p-map');
      return () => pMap([1], work, { concurrency: 10 });
    },
    'fastq, without priorities': (use) => {
      const { default: fastq } = use('fastq');
      const queue = fastq.promise(work, 10);
      return () => queue.push(1);
    },
    Bottleneck: (use) => {
      const { default: Bottleneck } = use('bottleneck');
      const limiter = new Bottleneck({ maxConcurrent: 10 });
      return inTurns((turn) => limiter.schedule({ priority: turn + 3 }, work));
    },
  },
};

const MANY_KEYS = 1_000_000;

/** What a key takes of the heap, its text included, once so many have been asked about. Needs --expose-gc. */
async function bytesPerKey(ask) {
  const inUse = () => {
    globalThis.gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = inUse();
  for (let n = 0; n < MANY_KEYS; n++) await ask(`client-${n}`);
  const bytes = (inUse() - before) / MANY_KEYS;
  // Whoever asks must still be there.
  await ask('client-0');
  return bytes;
}

const heap = {
  name: 'rate limit, bytes a key at a million keys',
  unit: 'count',
  ceiling: 180,
  ours: () => {
    const limiter = rateLimiter({ limit: 10, periodMs: 86_400_000, maxKeys: MANY_KEYS });
    return bytesPerKey((each) => limiter.tryAcquire(each));
  },
  rivals: {
    'rate-limiter-flexible': (use) => {
      const { RateLimiterMemory } = use('rate-limiter-flexible');
      const limiter = new RateLimiterMemory({ points: 10, duration: 86_400 });
      return bytesPerKey((each) => limiter.consume(each));
    },
    'express-rate-limit, its store': (use) => {
      const { MemoryStore } = use('express-rate-limit');
      const store = new MemoryStore();
      store.init({ windowMs: 86_400_000 });
      return bytesPerKey((each) => store.increment(each));
    },
  },
};

const WAITING = 100_000;

/** The CPU milliseconds that one `abort()` takes until all who wait on its signal know; the median of several times. */
async function abortMs(waiting, ask) {
  const spent = [];
  for (let round = 0; round < 9; round++) {
    const { signal, controller, wait } = await ask();
    const answers = Array.from({ length: waiting }, () => wait(signal).catch(() => undefined));
    await Promise.resolve();
    globalThis.gc();
    const before = process.cpuUsage();
    controller.abort();
    const { user, system } = process.cpuUsage(before);
    spent.push((user + system) / 1_000);
    await Promise.all(answers);
  }
  return median(spent);
}

/** A signal of many, and how to wait with it for what does not come. */
function waitingOnOne(wait) {
  const controller = new AbortController();
  return { controller, signal: controller.signal, wait };
}

const FEWER = 10_000;

const aborting = {
  name: 'rate limit, ms to abort 100,000 who wait on one signal',
  unit: 'count',
  ceiling: 50,
  // One limiter, and one queue, for all rounds, as a service has them: for a new one the engine would compile anew each time.
  ours: () => {
    const limiter = rateLimiter({ limit: 1, periodMs: 3_600_000, maxQueue: Infinity });
    limiter.tryAcquire(key);
    return abortMs(WAITING, () => waitingOnOne((signal) => limiter.acquire(key, { signal })));
  },
  rivals: {
    'p-queue, a tenth of them': (use) => {
      const { default: PQueue } = use('p-queue');
      const queue = new PQueue({ concurrency: 1 });
      void queue.add(() => new Promise(() => {}));
      return abortMs(FEWER, () => waitingOnOne((signal) => queue.add(work, { signal })));
    },
  },
};

export const rateLimits = [decision, scheduling, heap, aborting];
