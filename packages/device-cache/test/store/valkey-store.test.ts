/** The suite of all stores on a real Valkey, where there is one. */
import { ioredisPort } from 'breakwater/cache';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisServer, valkeyMissing } from '../../../core/test/cache/redis-server.ts';
import { redisStore } from '../../src/store/redis/redis-store.ts';
import { storeSuite } from '../../src/store/test-support/store-suite.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// One line says that it was not run, not one for each test of the suite.
it.skipIf(valkeyMissing !== undefined)('a Valkey is there for the suite of the stores', () => {
  expect(valkeyMissing).toBeUndefined();
});

if (valkeyMissing === undefined)
  describe('on a real Valkey', () => {
    let server: RedisServer;
    let client: Redis;
    beforeAll(async () => {
      server = await RedisServer.start([], 'valkey-server');
      client = new Redis({ port: server.port, maxRetriesPerRequest: 1 });
    });
    afterAll(async () => {
      client.disconnect();
      await server.stop();
    });

    it('is what answers', async () => {
      expect(await client.info('server')).toContain('valkey_version:');
    });

    storeSuite({
      name: 'valkey',
      make: async (ttlMs) => {
        await client.flushall();
        return redisStore({ port: ioredisPort(client), ttlMs, pollMs: 10 });
      },
      elapse: pause,
      // A busy machine may take its time between two commands.
      shortTtlMs: 1_000,
      propertyRuns: 25,
    });
  });
