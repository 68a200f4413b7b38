/** The second tier on a Redis cluster of three masters. */
import { type Cache, createCache, ioredisPort, redisBus, redisStore } from 'breakwater/cache';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisCluster } from './redis-cluster.ts';
import { redisMissing } from './redis-server.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let redis: RedisCluster;
const clusters: Cluster[] = [];
const caches: Cache<unknown>[] = [];

function cacheOn() {
  const cluster = new Cluster(redis.nodes);
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
    redis = await RedisCluster.start();
  }, 30_000);

  afterAll(async () => {
    // A bus that nobody closes would look for its servers for ever.
    for (const cache of caches) await cache.close();
    for (const cluster of clusters) cluster.disconnect();
    await redis?.stop();
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
        redis.servers.map(async ({ port }) => {
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
