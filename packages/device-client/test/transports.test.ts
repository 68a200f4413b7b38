import { Redis } from 'ioredis';
import { Redis as Valkey } from 'iovalkey';
import { createClient } from 'redis';
import { afterAll } from 'vitest';
import { redisMissing } from '../../core/test/cache/redis-server.ts';
import { transportSuite } from './test-support/transport-suite.ts';
import { inCluster, inRedis, overHttp } from './test-support/transports.ts';

transportSuite('over HTTP', overHttp);

if (redisMissing === undefined) {
  const own: { disconnect(): unknown }[] = [];
  afterAll(() => own.forEach((redis) => redis.disconnect()));
  const supplied = <R extends Redis | Valkey>(redis: R): { readonly redis: R } => {
    redis.on('error', () => undefined);
    own.push(redis);
    return { redis };
  };
  const host = '127.0.0.1';
  transportSuite('of Redis by its address', () => inRedis((port) => ({ host, port })));
  transportSuite('of Redis by a connection string', () =>
    inRedis((port) => ({ connectionString: `redis://${host}:${port}/0` }), { prefix: 'eu:' }),
  );
  transportSuite('of Redis by a client of ioredis, with hash tags', () =>
    inRedis((port) => supplied(new Redis({ host, port, maxRetriesPerRequest: 0 })), { hashTags: true }),
  );
  transportSuite('of Redis by a client of iovalkey', () =>
    inRedis((port) => supplied(new Valkey({ host, port, maxRetriesPerRequest: 0 }))),
  );
  transportSuite('of Redis by a client of node-redis', () =>
    inRedis(async (port) => {
      const redis = createClient({ socket: { host, port }, disableOfflineQueue: true });
      redis.on('error', () => undefined);
      own.push({ disconnect: () => redis.destroy() });
      await redis.connect();
      return { redis };
    }),
  );
  transportSuite('of Redis by one function that sends a command, and gives texts by RESP 2', () =>
    inRedis((port) => {
      const { redis } = supplied(new Redis({ host, port, maxRetriesPerRequest: 0, protocol: 2 }));
      return { redis: { send: ([name, ...rest]: readonly string[]) => redis.call(name!, ...rest) } };
    }),
  );
  transportSuite('of a Redis Cluster', inCluster);
} else {
  console.log(`not run: the client directly on Redis: ${redisMissing}`);
}
