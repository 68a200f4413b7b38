/** The second tier on a Redis cluster of three masters. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cache, createCache, ioredisPort, redisBus, redisStore } from 'breakwater/cache';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, redisMissing, RedisServer } from './redis-server.ts';

const SLOTS = 16_384;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const servers: RedisServer[] = [];
const directories: string[] = [];
const busPorts: string[] = [];
const clusters: Cluster[] = [];
const caches: Cache<unknown>[] = [];

/** Gives each server a third of the slots and lets them meet. */
async function join3(): Promise<void> {
  const nodes = servers.map(({ port }) => new Redis(port, '127.0.0.1'));
  for (const [at, node] of nodes.entries()) {
    const [first, last] = [Math.floor((at * SLOTS) / 3), Math.floor(((at + 1) * SLOTS) / 3) - 1];
    await node.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1));
  }
  for (const [at, { port }] of servers.entries()) {
    if (at > 0) await nodes[0]!.call('CLUSTER', 'MEET', '127.0.0.1', String(port), busPorts[at]!);
  }
  for (const node of nodes) {
    while (!String(await node.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) await pause(20);
    node.disconnect();
  }
}

function cacheOn() {
  const cluster = new Cluster(servers.map(({ port }) => ({ port, host: '127.0.0.1' })));
  clusters.push(cluster);
  const port = ioredisPort(cluster);
  const cache = createCache<unknown>({
    namespace: 'spread',
    secondTier: {
      store: redisStore(port),
      bus: { source: redisBus(port) },
      softTimeoutMs: 2_000,
      hardTimeoutMs: 5_000,
    },
  });
  caches.push(cache);
  return cache;
}

describe.skipIf(redisMissing !== undefined)('a second tier on a cluster', () => {
  beforeAll(async () => {
    for (let n = 0; n < 3; n++) {
      const directory = mkdtempSync(join(tmpdir(), 'breakwater-cluster-'));
      directories.push(directory);
      const busPort = String(await freePort());
      busPorts.push(busPort);
      servers.push(
        await RedisServer.start(['--cluster-enabled', 'yes', '--cluster-port', busPort, '--dir', directory]),
      );
    }
    await join3();
  }, 30_000);

  afterAll(async () => {
    // A bus that nobody closes would look for its servers for ever.
    for (const cache of caches) await cache.close();
    for (const cluster of clusters) cluster.disconnect();
    for (const server of servers) await server.stop();
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  });

  it(
    'keeps each key where it falls, and finds, invalidates and scans over all nodes',
    { timeout: 20_000 },
    async () => {
      const [one, two] = [cacheOn(), cacheOn()];
      const keys = Array.from({ length: 60 }, (_, n) => `user:${n}`);
      await one.setMany(
        keys.map((key) => [key, key] as const),
        { tags: ['users'] },
      );
      expect(one.statistics.tierFailures).toBe(0);
      expect(await two.getMany(keys)).toEqual(keys);
      const sizes = await Promise.all(
        servers.map(async ({ port }) => {
          const node = new Redis(port, '127.0.0.1');
          const size = await node.dbsize();
          node.disconnect();
          return size;
        }),
      );
      expect(sizes.every((size) => size > 5)).toBe(true);
      const found: string[] = [];
      for await (const key of cacheOn().scan('user:*')) found.push(String(key));
      expect(found).toHaveLength(60);
      expect(await one.deleteMatching('user:1*')).toBe(11);
      expect(await cacheOn().get('user:1')).toBeUndefined();
      await one.invalidateTags('users');
      expect(await cacheOn().get('user:2')).toBeUndefined();
      expect([one.statistics.tierFailures, two.statistics.tierFailures]).toEqual([0, 0]);
      for (let tries = 0; two.peek('user:2') !== undefined && tries < 200; tries++) await pause(10);
      expect(two.peek('user:2')).toBeUndefined();
    },
  );
});
