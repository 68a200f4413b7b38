/** The ways to the devices that the suite goes, each over real connections. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Cluster, Redis } from 'ioredis';
import { categoryOf, type Reading } from '../../src/contract/reading.ts';
import { redisKeys, type RedisKeys } from '../../src/contract/redis-keys.ts';
import { timestampMs } from '../../src/contract/timestamp.ts';
import { type ClientOptions, type ClientTarget, DeviceCacheClient, type DisposableClient } from '../../src/index.ts';
import { MemoryService } from '../../src/test-support/memory-service.ts';
import { RedisCluster } from '../../../core/test/cache/redis-cluster.ts';
import { RedisServer } from '../../../core/test/cache/redis-server.ts';

/** A cache that is there, empty. */
export interface CacheUnderTest {
  client(options?: ClientOptions): DisposableClient;
  /** Keeps readings as the service does with those that it takes in. */
  ingest(...readings: readonly Reading[]): Promise<void>;
  /** Makes it empty again, the log included. */
  clear(): Promise<void>;
  /** Shortens the log of changes to its newest. */
  shortenLog(): Promise<void>;
  /** Breaks all connections and refuses new ones. */
  takeAway(): Promise<void>;
  stop(): Promise<void>;
}

/** The service of the tests, behind a server of node:http. */
export async function overHttp(): Promise<CacheUnderTest & { readonly url: string }> {
  const service = new MemoryService();
  const server = createServer((request, response) => {
    answer(service, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  let isThere = true;
  const takeAway = async (): Promise<void> => {
    if (isThere) await closed(server);
    isThere = false;
  };
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    client: (options) => new DeviceCacheClient({ url, token: 'a-token' }, options),
    ingest: async (...readings) => service.ingest(...readings),
    clear: async () => {
      service.logLength = 1000;
      service.restart();
    },
    shortenLog: async () => {
      service.logLength = 1;
    },
    takeAway,
    stop: takeAway,
  };
}

async function answer(service: MemoryService, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const answered = await service.fetch(`http://${request.headers.host}${request.url}`, {
    method: request.method ?? 'GET',
    headers: request.headers as Record<string, string>,
    ...(body === '' ? {} : { body }),
    signal: gone.signal,
  });
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  response.flushHeaders();
  if (answered.body === null) response.end();
  else await pipeline(Readable.fromWeb(answered.body as never), response);
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** A redis-server of the tests' own, by the layout of the contract. */
export async function inRedis(
  connect: (port: number) => ClientTarget | Promise<ClientTarget>,
  keyOptions: { readonly prefix?: string; readonly hashTags?: boolean } = {},
): Promise<CacheUnderTest> {
  const server = await RedisServer.start();
  const redis = new Redis({ port: server.port, host: '127.0.0.1', retryStrategy: () => null });
  redis.on('error', () => undefined);
  const target = await connect(server.port);
  const keys = redisKeys(keyOptions);
  return {
    client: (options) => new DeviceCacheClient(target, { keys: keyOptions, pollMs: 5, ...options }),
    ingest: async (...readings) => {
      for (const reading of readings) await ingestInto(redis, keys, reading);
    },
    clear: async () => {
      await redis.flushall();
    },
    shortenLog: async () => {
      await redis.xtrim(keys.changes, 'MAXLEN', 1);
    },
    takeAway: () => server.stop(),
    stop: async () => {
      redis.disconnect();
      await server.stop();
    },
  };
}

/** A cluster of three masters, with hash tags. */
export async function inCluster(): Promise<CacheUnderTest> {
  const servers = await RedisCluster.start();
  const redis = new Cluster(servers.nodes, { clusterRetryStrategy: () => null });
  redis.on('error', () => undefined);
  const keys = redisKeys({ hashTags: true });
  let isThere = true;
  const takeAway = async (): Promise<void> => {
    if (isThere) await servers.stop();
    isThere = false;
  };
  return {
    client: (options) => new DeviceCacheClient({ redis }, { keys: { hashTags: true }, pollMs: 5, ...options }),
    ingest: async (...readings) => {
      for (const reading of readings) await ingestInto(redis, keys, reading);
    },
    clear: async () => {
      await Promise.all(redis.nodes('master').map((node) => node.flushall()));
    },
    shortenLog: async () => {
      await redis.xtrim(keys.changes, 'MAXLEN', '1');
    },
    takeAway,
    stop: async () => {
      redis.disconnect();
      await takeAway();
    },
  };
}

/** What the service's script does with a reading, in commands that a cluster takes one by one. */
async function ingestInto(redis: Redis | Cluster, keys: RedisKeys, reading: Reading): Promise<void> {
  const [id, category, at] = [reading.device_id, categoryOf(reading), timestampMs(reading.timestamp)!];
  const known = await redis.hget(keys.metadata(id), 'lastUpdated');
  const lastUpdated = new Date(Math.max(at, known === null ? 0 : Date.parse(known))).toISOString();
  await redis.hset(keys.metadata(id), 'lastUpdated', lastUpdated);
  await redis.sadd(keys.categories(id), category);
  await redis.hset(keys.readings(id, category), reading.index, JSON.stringify(reading));
  await redis.zadd(keys.devices, String(Date.now() + 60_000), id);
  await redis.zadd(keys.updated, 'GT', String(at), id);
  await redis.zadd(keys.ids, '0', id);
  const change = ['device', id, 'cause', 'readings', 'categories', category, 'at', lastUpdated];
  await redis.xadd(keys.changes, '*', ...change);
}
