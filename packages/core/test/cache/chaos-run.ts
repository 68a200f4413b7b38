/**
 * Two instances of a cache over one Redis, under load, while something goes wrong.
 *
 * A source of truth counts up; whoever changes it invalidates the key in its own instance. Every call is timed, and
 * every value that is read after an invalidation returned in that instance is compared with what was true then. At the
 * end both instances must tell the truth again within a second of the recovery.
 */
import { createCache, ioredisPort, redisBus, redisStore, type Cache } from 'breakwater/cache';
import { Redis } from 'ioredis';
import { RedisServer } from './redis-server.ts';

const KEYS = 20;
const WORKERS = 8;
const LOAD_MS = 5;
export const HARD_TIMEOUT_MS = 400;

/** What came of a row. */
export interface ChaosResult {
  readonly calls: number;
  readonly slowestMs: number;
  readonly failed: number;
  readonly staleReads: number;
  readonly unhandled: number;
  /** How long after the recovery both instances told the truth about all keys; Infinity: never. */
  readonly convergedMs: number;
}

export interface Instance {
  readonly cache: Cache<number>;
  readonly client: Redis;
  /** What every key was at least when its last invalidation in this instance returned. */
  readonly floor: Map<string, number>;
}

/** What a row works with. */
export interface ChaosBench {
  readonly server: RedisServer;
  readonly instances: readonly [Instance, Instance];
  /** A connection beside those of the caches. */
  bare(): Promise<Redis>;
  readonly pause: (ms: number) => Promise<void>;
}

export interface ChaosRow {
  readonly name: string;
  /** False: the server is started by the row. */
  readonly startsUp?: boolean;
  /** Options of the two instances. */
  readonly options?: (instance: 0 | 1) => { readonly tier?: object; readonly cache?: object };
  /** Makes things go wrong and right again. */
  run(bench: ChaosBench): Promise<void>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function instanceOn(server: RedisServer, { tier, cache: more }: { tier?: object; cache?: object }): Instance {
  const client = new Redis({
    port: server.port,
    host: '127.0.0.1',
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
  });
  client.on('error', () => undefined);
  const port = ioredisPort(client);
  const cache = createCache<number>({
    namespace: 'chaos',
    ttlMs: 60_000,
    hardTimeoutMs: HARD_TIMEOUT_MS,
    secondTier: { store: redisStore(port), bus: { source: redisBus(port), heartbeatMs: 100 }, ...tier },
    ...more,
  });
  return { cache, client, floor: new Map() };
}

/** Runs a row. */
export async function runChaos(row: ChaosRow): Promise<ChaosResult> {
  const server = row.startsUp === false ? await RedisServer.notStarted() : await RedisServer.start();
  const optionsOf = row.options ?? (() => ({}));
  const instances = [instanceOn(server, optionsOf(0)), instanceOn(server, optionsOf(1))] as const;
  const truth = new Map(Array.from({ length: KEYS }, (_, n) => [`key ${n}`, 0]));
  const seen = { calls: 0, slowestMs: 0, failed: 0, staleReads: 0, unhandled: 0 };
  const onUnhandled = (): void => void seen.unhandled++;
  process.on('unhandledRejection', onUnhandled);
  const others: Redis[] = [];
  const state = { running: true };

  const load = async (key: string): Promise<number> => {
    const value = truth.get(key)!;
    await pause(LOAD_MS);
    return value;
  };
  const read = async ({ cache, floor }: Instance, key: string): Promise<number | undefined> => {
    const least = floor.get(key) ?? 0;
    const startedAt = performance.now();
    const value = await cache.getOrLoad(key, load).catch(() => undefined);
    seen.calls++;
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedAt);
    if (value === undefined) seen.failed++;
    else if (value < least) seen.staleReads++;
    return value;
  };
  const change = async ({ cache, floor }: Instance, key: string): Promise<void> => {
    const value = truth.get(key)! + 1;
    truth.set(key, value);
    const startedAt = performance.now();
    await cache.delete(key);
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedAt);
    floor.set(key, Math.max(floor.get(key) ?? 0, value));
  };
  const work = async (instance: Instance, worker: number): Promise<void> => {
    for (let n = worker; state.running; n++) {
      const key = `key ${(n * 7) % KEYS}`;
      if (n % 13 === 0) await change(instance, key);
      await read(instance, key);
      await pause(n % 3);
    }
  };
  const isTrue = async (): Promise<boolean> => {
    for (const instance of instances) {
      for (const [key, value] of truth) if ((await read(instance, key)) !== value) return false;
    }
    return true;
  };

  const workers = instances.flatMap((instance) => Array.from({ length: WORKERS }, (_, n) => work(instance, n)));
  await pause(300);
  await row.run({
    server,
    instances,
    pause,
    bare: async () => {
      const client = new Redis(server.port, '127.0.0.1');
      others.push(client);
      return client;
    },
  });
  const recoveredAt = performance.now();
  await pause(200);
  state.running = false;
  await Promise.all(workers);
  let convergedMs = Infinity;
  while (performance.now() - recoveredAt < 3_000) {
    if (await isTrue()) {
      convergedMs = performance.now() - recoveredAt;
      break;
    }
    await pause(20);
  }
  for (const { cache, client } of instances) {
    await cache.close();
    client.disconnect();
  }
  for (const client of others) client.disconnect();
  await server.stop();
  await pause(20);
  process.off('unhandledRejection', onUnhandled);
  return { ...seen, convergedMs };
}
