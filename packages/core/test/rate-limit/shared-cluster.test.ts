/** Shared limits on a Redis cluster of three masters. */
import { ioredisPort, redisLimits, sharedRateLimiter, type SharedRateLimiter } from 'breakwater/rate-limit';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisCluster } from '../cache/redis-cluster.ts';
import { redisMissing } from '../cache/redis-server.ts';

let redis: RedisCluster;
const clusters: Cluster[] = [];
const limiters: SharedRateLimiter[] = [];

function limiter(): SharedRateLimiter {
  const cluster = new Cluster(redis.servers.map(({ port }) => ({ port, host: '127.0.0.1' })));
  clusters.push(cluster);
  const made = sharedRateLimiter({
    store: redisLimits(ioredisPort(cluster)),
    namespace: 'spread',
    limits: [
      { name: 'second', limit: 2, periodMs: 3_600_000 },
      { name: 'client', limit: 3, periodMs: 3_600_000, per: 'client' },
    ],
    storeTimeoutMs: 5_000,
    onStoreError: 'throw',
  });
  limiters.push(made);
  return made;
}

describe.skipIf(redisMissing !== undefined)('a shared limiter on a cluster', () => {
  beforeAll(async () => {
    redis = await RedisCluster.start();
  }, 30_000);
  afterAll(async () => {
    for (const each of limiters) await each.close();
    for (const cluster of clusters) cluster.disconnect();
    await redis?.stop();
  });

  it('keeps all keys of a decision together, and the keys of others elsewhere', { timeout: 30_000 }, async () => {
    const [one, two] = [limiter(), limiter()];
    const clients = Array.from({ length: 30 }, (_, n) => `client-${n}`);
    for (const client of clients) {
      expect(await one.tryAcquire({ client, path: '/a' })).toMatchObject({ allowed: true });
      expect(await two.tryAcquire({ client, path: '/a' })).toMatchObject({ allowed: true });
      expect(await one.tryAcquire({ client, path: '/a' })).toMatchObject({ allowed: false, limitName: 'second' });
      const slot = await two.reserve({ client, path: '/b' });
      expect(slot).toMatchObject({ reserved: true, delayMs: 0 });
      if (slot.reserved) expect(await slot.cancel()).toBe(true);
      expect(await two.tryAcquire({ client, path: '/b' })).toMatchObject({ allowed: true });
      expect(await one.tryAcquire({ client, path: '/c' })).toMatchObject({ allowed: false, limitName: 'client' });
    }
    await one.ban({ client: 'client-1', path: '/a' }, 60_000);
    expect(await two.tryAcquire({ client: 'client-1', path: '/a' })).toMatchObject({ limitName: 'ban' });
    expect([one.statistics.storeFailures, two.statistics.storeFailures]).toEqual([0, 0]);
    const sizes = await redis.sizes();
    expect(sizes.every((size) => size > 5)).toBe(true);
  });
});
