/** What a shared limiter promises while its store goes wrong; prints the table of docs/rate-limit/distributed.md. */
import {
  ioredisPort,
  LimitStoreError,
  nodeRedisPort,
  type OnStoreError,
  type RateLimitDecision,
  redisLimits,
  type RedisPort,
  sharedRateLimiter,
  type SharedRateLimiter,
} from 'breakwater/rate-limit';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, describe, expect, it } from 'vitest';
import { redisMissing, RedisServer } from '../cache/redis-server.ts';

const WORKERS = 8;
const LIMIT = 200;
const PERIOD_MS = 500;
const STORE_TIMEOUT_MS = 50;
/** What a machine adds to a deadline that is not kept from running altogether. */
const HICCUP_MS = 50;
const BEAT_MS = 5;

interface Row {
  readonly name: string;
  readonly onStoreError?: OnStoreError;
  readonly leased?: boolean;
  readonly client?: 'node-redis';
  readonly startsUp?: boolean;
  /** True: nobody is to notice. */
  readonly isHarmless?: boolean;
  /** Makes things go wrong and right again. */
  run(server: RedisServer, bare: () => Redis): Promise<void>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const kill = async (server: RedisServer): Promise<void> => {
  await server.stop();
  await pause(600);
  await server.start();
};
const freeze = async (server: RedisServer): Promise<void> => {
  server.signal('SIGSTOP');
  await pause(800);
  server.signal('SIGCONT');
};

const rows: readonly Row[] = [
  {
    name: 'down at start',
    startsUp: false,
    run: async (server) => {
      await pause(600);
      await server.start();
    },
  },
  { name: 'SIGKILL mid-run, started again', run: kill },
  { name: 'the same, leased', leased: true, run: kill },
  { name: 'the same, through node-redis', client: 'node-redis', run: kill },
  { name: "the same, onStoreError 'open'", onStoreError: 'open', run: kill },
  { name: "the same, onStoreError 'closed'", onStoreError: 'closed', run: kill },
  { name: "the same, onStoreError 'throw'", onStoreError: 'throw', run: kill },
  { name: 'SIGSTOP, then SIGCONT', run: freeze },
  { name: 'the same, leased', leased: true, run: freeze },
  {
    name: 'FLUSHALL',
    isHarmless: true,
    run: async (_server, bare) => {
      for (let n = 0; n < 5; n++) {
        await bare().flushall();
        await pause(100);
      }
    },
  },
  {
    name: 'SCRIPT FLUSH',
    isHarmless: true,
    run: async (_server, bare) => {
      for (let n = 0; n < 5; n++) {
        await bare().script('FLUSH');
        await pause(100);
      }
    },
  },
  {
    name: 'every connection cut',
    run: async (_server, bare) => {
      for (let n = 0; n < 3; n++) {
        await bare().call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await pause(200);
      }
    },
  },
];

interface Result {
  readonly decisions: number;
  readonly degraded: number;
  readonly slowestMs: number;
  /** How long this process was kept from running at a stretch: nobody is answered meanwhile. */
  readonly stalledMs: number;
  readonly rejected: number;
  readonly wrongRejections: number;
  readonly unhandled: number;
  readonly told: readonly string[];
  /** How long after the recovery the limiter decided by its store again; Infinity: never. */
  readonly recoveredMs: number;
  /** What was let through in the busiest period without the store. */
  readonly mostWithoutStore: number;
}

async function portTo(server: RedisServer, row: Row, endings: (() => unknown)[]): Promise<RedisPort> {
  const address = { port: server.port, host: '127.0.0.1' };
  if (row.client === 'node-redis') {
    const client = createClient({ socket: { ...address, reconnectStrategy: () => 50 } });
    client.on('error', () => undefined);
    await client.connect();
    endings.push(() => client.destroy());
    return nodeRedisPort(client);
  }
  const client = new Redis({ ...address, retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  endings.push(() => client.disconnect());
  return ioredisPort(client);
}

async function play(row: Row): Promise<Result> {
  const server = row.startsUp === false ? await RedisServer.notStarted() : await RedisServer.start();
  const endings: (() => unknown)[] = [];
  const bare = (): Redis => {
    const client = new Redis(server.port, '127.0.0.1');
    endings.push(() => client.disconnect());
    return client;
  };
  const limiter = sharedRateLimiter({
    store: redisLimits(await portTo(server, row, endings)),
    namespace: 'chaos',
    limit: LIMIT,
    periodMs: PERIOD_MS,
    instances: 2,
    storeTimeoutMs: timeoutOf(row),
    onStoreError: row.onStoreError ?? 'local',
    leased: row.leased ?? false,
  });
  const seen = { decisions: 0, degraded: 0, slowestMs: 0, rejected: 0, wrongRejections: 0, unhandled: 0 };
  const told: string[] = [];
  const degradedAt: number[] = [];
  limiter.events.on('limit-store', ({ state }) => told.push(state));
  const onUnhandled = (): void => void seen.unhandled++;
  process.on('unhandledRejection', onUnhandled);
  const state = { running: true };
  const stall = { longestMs: 0, beatAt: performance.now() };
  const beat = setInterval(() => {
    const now = performance.now();
    stall.longestMs = Math.max(stall.longestMs, now - stall.beatAt - BEAT_MS);
    stall.beatAt = now;
  }, BEAT_MS);

  const ask = async (verb: (limiter: SharedRateLimiter) => Promise<RateLimitDecision>, mayTakeMs: number) => {
    const startedAt = performance.now();
    try {
      const decision = await verb(limiter);
      if (decision.degraded) seen.degraded++;
      if (decision.degraded && decision.allowed) degradedAt.push(performance.now());
    } catch (error) {
      seen.rejected++;
      const isMeant = error instanceof LimitStoreError || (error as { code?: string }).code === 'RATE_LIMITED';
      if (!isMeant) seen.wrongRejections++;
    }
    seen.decisions++;
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedAt - mayTakeMs);
  };
  const work = async (worker: number): Promise<void> => {
    for (let n = worker; state.running; n++) {
      if (n % 10 === 0) await ask((each) => each.acquire('hot', { maxWaitMs: 20 }), 20);
      else await ask((each) => each.tryAcquire('hot'), 0);
      await pause(1 + (n % 3));
    }
  };
  const workers = Array.from({ length: WORKERS }, (_, n) => work(n));
  await pause(300);
  await row.run(server, bare);
  const rightAgainAt = performance.now();
  let recoveredMs = Infinity;
  while (recoveredMs === Infinity && performance.now() - rightAgainAt < 3_000) {
    if (limiter.storeState === 'up') recoveredMs = performance.now() - rightAgainAt;
    else await pause(5);
  }
  await pause(200);
  state.running = false;
  await Promise.all(workers);
  await limiter.close();
  for (const end of endings) end();
  await server.stop();
  await pause(20);
  process.off('unhandledRejection', onUnhandled);
  clearInterval(beat);
  return { ...seen, stalledMs: stall.longestMs, told, recoveredMs, mostWithoutStore: mostInAPeriod(degradedAt) };
}

function mostInAPeriod(times: readonly number[]): number {
  let [most, first] = [0, 0];
  for (const [last, at] of times.entries()) {
    while (at - times[first]! >= PERIOD_MS) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** Where nobody is to notice anything, a machine that is busy is not to be taken for a store that is away. */
function timeoutOf({ isHarmless }: Row): number {
  return isHarmless === true ? 1_000 : STORE_TIMEOUT_MS;
}

const results: [string, Result][] = [];
afterAll(() => {
  if (results.length === 0) return;
  console.log(
    '\n| what happens | decisions | without the store | slowest (ms) | unhandled rejections | recovered after (ms) |',
  );
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const [name, { decisions, degraded, slowestMs, unhandled, recoveredMs }] of results)
    console.log(
      `| ${name} | ${[decisions, degraded, Math.round(slowestMs), unhandled, Math.round(recoveredMs)].join(' | ')} |`,
    );
});

describe.skipIf(redisMissing !== undefined)('a shared limiter whose store fails', () => {
  it.each(rows)(
    'decides in time, tells that it is degraded, and recovers by itself: $name',
    { timeout: 30_000 },
    async (row) => {
      const result = await play(row);
      results.push([row.name, result]);
      expect(result.decisions).toBeGreaterThan(100);
      expect(result.slowestMs).toBeLessThan(timeoutOf(row) + HICCUP_MS + result.stalledMs);
      expect(result).toMatchObject({ unhandled: 0, wrongRejections: 0 });
      expect(result.recoveredMs).toBeLessThan(1_000);
      if (row.isHarmless === true) {
        expect(result).toMatchObject({ degraded: 0, told: [] });
        return;
      }
      expect(result.told[0]).toBe('away');
      expect(result.told).toContain('up');
      if (row.onStoreError === 'throw') expect(result.rejected).toBeGreaterThan(0);
      else expect(result.degraded).toBeGreaterThan(0);
      // Half of the limit is this process's share: its burst and its rate.
      if (row.onStoreError === undefined) expect(result.mostWithoutStore).toBeLessThanOrEqual(LIMIT);
      if (row.onStoreError === 'closed') expect(result.mostWithoutStore).toBe(0);
    },
  );
});
