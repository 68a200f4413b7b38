/** What the tests of shared limits work with: a Redis of their own, and limiters on it through each of the clients. */
import {
  ioredisPort,
  nodeRedisPort,
  redisLimits,
  type RedisPort,
  sharedRateLimiter,
  type SharedRateLimiter,
  type SharedRateLimiterOptions,
} from 'breakwater/rate-limit';
import { Redis } from 'ioredis';
import { Redis as Valkey } from 'iovalkey';
import { createClient } from 'redis';
import { RedisServer } from '../cache/redis-server.ts';

/** On a machine that is busy an answer may take its time; tests of deadlines say otherwise. */
const PATIENCE_MS = 5_000;

export const clientNames = ['ioredis', 'iovalkey', 'node-redis'] as const;
export type ClientName = (typeof clientNames)[number];

type Options = SharedRateLimiterOptions extends infer Each
  ? Each extends object
    ? Omit<Each, 'store' | 'namespace'> & { readonly namespace?: string }
    : never
  : never;

export class RedisBench {
  readonly server: RedisServer;
  readonly bare: Redis;
  private readonly endings: (() => unknown)[] = [];
  private namespaces = 0;

  private constructor(server: RedisServer) {
    this.server = server;
    this.bare = new Redis(server.port, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null });
    this.bare.on('error', () => undefined);
  }

  static async start(): Promise<RedisBench> {
    return new RedisBench(await RedisServer.start());
  }

  async port(name: ClientName = 'ioredis'): Promise<RedisPort> {
    const address = { port: this.server.port, host: '127.0.0.1' };
    if (name === 'node-redis') {
      const client = createClient({ socket: { ...address, reconnectStrategy: () => 50 } });
      client.on('error', () => undefined);
      await client.connect();
      this.endings.push(() => client.destroy());
      return nodeRedisPort(client);
    }
    const options = { ...address, retryStrategy: () => 50, maxRetriesPerRequest: null };
    const client = name === 'ioredis' ? new Redis(options) : new Valkey(options);
    client.on('error', () => undefined);
    this.endings.push(() => client.disconnect());
    return ioredisPort(client);
  }

  /** A limiter through a connection of its own. */
  async limiter(options: Options, name?: ClientName): Promise<SharedRateLimiter> {
    const store = redisLimits(await this.port(name));
    const limiter = sharedRateLimiter({
      storeTimeoutMs: PATIENCE_MS,
      onStoreError: 'throw',
      namespace: `test ${this.namespaces}`,
      ...options,
      store,
    });
    this.endings.push(() => limiter.close());
    return limiter;
  }

  /** Ends all limiters and their connections, and forgets what they counted. */
  async clear(): Promise<void> {
    for (const end of this.endings.splice(0).toReversed()) await end();
    this.namespaces++;
    await this.bare.flushall();
  }

  async stop(): Promise<void> {
    this.bare.disconnect();
    await this.server.stop();
  }
}
