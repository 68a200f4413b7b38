import {
  adaptiveConcurrency,
  bulkhead,
  circuitBreaker,
  clientThrottling,
  fallback,
  hedge,
  keyed,
  pipeline,
  retry,
  shedding,
  timeout,
} from 'breakwater';
import { createCache } from 'breakwater/cache';
import { connectionPool } from 'breakwater/connection-pool';
import { rateLimit, rateLimiter } from 'breakwater/rate-limit';
import { type MetricSource, performanceMonitor, type Tracing } from 'breakwater/telemetry';
import { VirtualClock } from 'breakwater/testing';
import { batcher, workerPool } from 'breakwater/work';

/** Calls of everything that can be watched, good ones and bad ones: whoever watches has something to say of each metric. */
export interface World {
  readonly sources: readonly MetricSource[];
  readonly clock: VirtualClock;
  /** Runs the calls. `poison` stands in whatever a call may carry: errors, keys, texts. */
  run(poison?: string): Promise<void>;
}

const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

/** Makes one; with `trace`, all its pipelines are traced. */
export function wholeWorld(trace?: Tracing): World {
  const clock = new VirtualClock();
  const traced = trace === undefined ? [] : [trace];
  const breaker = circuitBreaker({ name: 'stock', failureRatio: 0.5, minThroughput: 4 });
  const inventory = pipeline(
    { name: 'inventory', clock },
    ...traced,
    timeout({ name: 'whole', timeoutMs: 5_000 }),
    retry({ maxAttempts: 2, jitter: 'none' }),
    fallback({ name: 'empty', value: 'none', handleIf: (error) => (error as { soft?: boolean }).soft === true }),
    breaker,
    bulkhead({ name: 'rooms', maxConcurrent: 2 }),
    timeout({ name: 'each', timeoutMs: 1_000 }),
  );
  const quick = pipeline({ name: 'quick', clock }, ...traced, hedge({ delayMs: 50 }), adaptiveConcurrency());
  const hosts = pipeline(
    { name: 'hosts', clock },
    ...traced,
    clientThrottling(),
    keyed(() => circuitBreaker()),
  );
  const limiter = rateLimiter({ name: 'api', limit: 2, periodMs: 60_000, clock });
  const limited = pipeline({ name: 'limited', clock }, ...traced, rateLimit(limiter, { mode: 'refuse' }));
  const cache = createCache<string>({ name: 'users', namespace: 'users', ttlMs: 1_000, clock });
  const create = (): object => ({ ok: true });
  const pool = connectionPool({ name: 'db', create, maxSize: 1, maxOverflow: 0, acquireTimeoutMs: 100, clock });
  const workers = workerPool({ name: 'thumbnails', clock, maxWorkers: 1 });
  const devices = batcher<string, string>({ name: 'devices', batch: (keys) => keys.map((key) => `${key}!`), clock });
  const overload = { name: 'overload', createReader: () => ({ read: () => 9, stop: () => undefined }) };
  const busy = pipeline({ name: 'busy', clock }, ...traced, shedding({ sources: [overload] }));
  const monitor = performanceMonitor({ clock, slowMs: 10 });

  return {
    clock,
    sources: [inventory, quick, hosts, limited, cache, pool, workers, devices, monitor, busy],
    run: async (poison = 'p') => {
      const fail = (): never => {
        throw Object.assign(new Error(`refused: ${poison}`), { headers: { authorization: poison }, url: poison });
      };
      const soft = (): never => {
        throw Object.assign(new RangeError(poison), { soft: true });
      };
      const never = (): Promise<string> => new Promise(() => undefined);
      const all: Promise<unknown>[] = [];
      const functions: readonly (() => unknown)[] = [() => 'item', soft, never, fail, fail, fail, fail];
      for (const call of functions) all.push(outcome(inventory.execute(call, { key: poison })));
      all.push(outcome(quick.execute(() => 'now')));
      all.push(outcome(quick.execute(({ attempt }) => (attempt === 1 ? never() : 'by the hedge'))));
      for (const key of ['a', 'b', poison]) all.push(outcome(hosts.execute(() => 'item', { key })));
      for (let n = 0; n < 3; n++) all.push(outcome(limited.execute(() => 'item', { key: poison })));
      all.push(outcome(cache.getOrLoad('ada', () => poison)), outcome(cache.getOrLoad(poison, fail)));
      all.push(outcome(workers.execute(fail)), outcome(devices.load(poison)));
      for (const priority of ['batch', 'critical'] as const)
        all.push(outcome(busy.execute(() => 'item', { priority })));
      const lease = await pool.acquire();
      all.push(outcome(pool.acquire()));
      await outcome(clock.advance(60_000).then(() => cache.getOrLoad('ada', () => poison)));
      lease.discard();
      await Promise.all(all);
      await cache.getOrLoad('ada', () => 'found');
      monitor.record('render', 25);
      monitor.record('render', 5, true);
      await clock.advance(60_000);
    },
  };
}
