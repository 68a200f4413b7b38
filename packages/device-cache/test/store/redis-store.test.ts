/** The suite of all stores on a real Redis: one server, a cluster, and a server that goes away. */
import { ioredisPort } from 'breakwater/cache';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisMissing, RedisServer } from '../../../core/test/cache/redis-server.ts';
import { redisStore } from '../../src/store/redis/redis-store.ts';
import { fenced } from '../../src/store/test-support/readings.ts';
import { storeSuite } from '../../src/store/test-support/store-suite.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(redisMissing !== undefined)('on a real Redis', () => {
  let server: RedisServer;
  let client: Redis;
  beforeAll(async () => {
    server = await RedisServer.start();
    client = new Redis({ port: server.port, maxRetriesPerRequest: 1, enableOfflineQueue: false, lazyConnect: true });
    client.on('error', () => undefined);
    await client.connect();
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  storeSuite({
    name: 'redis',
    make: async (ttlMs) => {
      await client.flushall();
      return redisStore({ port: ioredisPort(client), ttlMs, pollMs: 10 });
    },
    elapse: pause,
    // A busy machine may take its time between two commands.
    shortTtlMs: 1_000,
    propertyRuns: 25,
  });

  it('gives every key that it writes an end, but for the registry, the log and the progress', async () => {
    await client.flushall();
    const store = redisStore({ port: ioredisPort(client) });
    await store.write([fenced('s1', 0)]);
    await store.put([{ id: 's1', metadata: {} }]);
    const keys = (await client.keys('device:*')).toSorted();
    expect(keys).toEqual(
      ['categories', 'category:P:readings', 'fences', 'metadata'].map((name) => `device:s1:${name}`),
    );
    for (const key of keys) {
      expect(await client.pttl(key)).toBeGreaterThan(86_000_000);
      expect(await client.pttl(key)).toBeLessThanOrEqual(86_400_000 * 1.1);
    }
    await store.close();
  });

  it('finds its scripts again after the server has forgotten them', async () => {
    const store = redisStore({ port: ioredisPort(client) });
    await store.write([fenced('s7', 0)]);
    await client.script('FLUSH');
    expect(await store.write([fenced('s7', 1), fenced('s8', 1)])).toEqual(['stored', 'stored']);
    await store.close();
  });

  it('is away, and not empty, while the server is stopped', async () => {
    const store = redisStore({ port: ioredisPort(client), timeoutMs: 100 });
    await store.write([fenced('s9', 0)]);
    server.signal('SIGSTOP');
    await expect(store.get(['s9'])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(store.list({ limit: 1, sort: 'id' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    server.signal('SIGCONT');
    await expect
      .poll(() =>
        store.get(['s9']).then(
          ([device]) => device?.id,
          () => 'away',
        ),
      )
      .toBe('s9');
    await store.close();
  });

  it('tells listeners that they may have missed something when the server comes back empty', async () => {
    const store = redisStore({ port: ioredisPort(client), pollMs: 10 });
    await store.write([fenced('s9', 0)]);
    let gaps = 0;
    const stop = await store.listen({ changed: () => undefined, gap: () => gaps++ });
    await client.flushall();
    await expect.poll(() => gaps).toBeGreaterThan(0);
    await stop();
    await store.close();
  });
});
