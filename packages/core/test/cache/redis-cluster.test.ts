/** The second tier on a Redis cluster of three masters. */
import {
  type Cache,
  createCache,
  ioredisPort,
  nodeRedisPort,
  redisBus,
  type RedisPort,
  redisStore,
} from 'breakwater/cache';
import { Cluster } from 'ioredis';
import { Cluster as ValkeyCluster } from 'iovalkey';
import { createCluster } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisCluster } from './redis-cluster.ts';
import { redisMissing } from './redis-server.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let redis: RedisCluster;
const ends: (() => void)[] = [];
const caches: Cache<unknown>[] = [];

/** A port of its own each time, as each process has one. */
const ports: Readonly<Record<string, () => Promise<RedisPort>>> = {
  ioredis: async () => {
    const cluster = new Cluster(redis.nodes);
    ends.push(() => cluster.disconnect());
    return ioredisPort(cluster);
  },
  iovalkey: async () => {
    const cluster = new ValkeyCluster(redis.nodes);
    ends.push(() => cluster.disconnect());
    return ioredisPort(cluster);
  },
  'node-redis': async () => {
    const cluster = createCluster({ rootNodes: redis.nodes.map((socket) => ({ socket })) });
    await cluster.connect();
    ends.push(() => cluster.destroy());
    return nodeRedisPort(cluster);
  },
};

async function cacheOn(client: string): Promise<Cache<unknown>> {
  const port = await ports[client]!();
  const cache = createCache<unknown>({
    namespace: `spread by ${client}`,
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
    redis = await RedisCluster.start();
  }, 30_000);

  afterAll(async () => {
    // A bus that nobody closes would look for its servers for ever.
    for (const cache of caches) await cache.close();
    for (const end of ends) end();
    await redis?.stop();
  });

  it.each(Object.keys(ports))(
    'keeps each key where it falls, and finds, invalidates and scans over all nodes, by %s',
    { timeout: 20_000 },
    async (client) => {
      const [one, two] = [await cacheOn(client), await cacheOn(client)];
      const keys = Array.from({ length: 60 }, (_, n) => `user:${n}`);
      await one.setMany(
        keys.map((key) => [key, key] as const),
        { tags: ['users'] },
      );
      expect(one.statistics.tierFailures).toBe(0);
      expect(await two.getMany(keys)).toEqual(keys);
      const sizes = await redis.sizes();
      expect(sizes.every((size) => size > 5)).toBe(true);
      const found: string[] = [];
      for await (const key of (await cacheOn(client)).scan('user:*')) found.push(String(key));
      expect(found).toHaveLength(60);
      expect(await one.deleteMatching('user:1*')).toBe(11);
      expect(await (await cacheOn(client)).get('user:1')).toBeUndefined();
      await one.invalidateTags('users');
      expect(await (await cacheOn(client)).get('user:2')).toBeUndefined();
      expect([one.statistics.tierFailures, two.statistics.tierFailures]).toEqual([0, 0]);
      for (let tries = 0; two.peek('user:2') !== undefined && tries < 200; tries++) await pause(10);
      expect(two.peek('user:2')).toBeUndefined();
    },
  );
});
