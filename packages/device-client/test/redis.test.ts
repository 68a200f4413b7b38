/** What only the direct way to Redis has: its keys, their times, and a Redis that fails. */
import { seededRandom } from 'breakwater/clock';
import { connectionPool } from 'breakwater/connection-pool';
import { ConfigurationError } from 'breakwater/errors';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisMissing, RedisServer } from '../../core/test/cache/redis-server.ts';
import {
  AccessDenied,
  type ClientOptions,
  DeviceCacheClient,
  type DisposableClient,
  InvalidResponse,
  RequestTimedOut,
  type WatchEvent,
} from '../src/index.ts';
import { addressedConnection, type LoadModule } from '../src/redis/installed-client.ts';
import { rejection } from '../src/test-support/clients.ts';

const host = '127.0.0.1';
const at = '2024-03-01T12:00:00.000Z';

describe.skipIf(redisMissing !== undefined)('the direct way to Redis', () => {
  let server: RedisServer;
  let bare: Redis;
  let client: DisposableClient;
  const clients: DisposableClient[] = [];
  const newClient = (options?: ClientOptions): DisposableClient => {
    const made = new DeviceCacheClient({ host, port: server.port }, { pollMs: 5, ...options });
    clients.push(made);
    return made;
  };
  beforeAll(async () => {
    server = await RedisServer.start();
    bare = new Redis(server.port, host);
  });
  beforeEach(async () => {
    await bare.flushall();
    client = newClient();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((made) => made.close()));
  });
  afterAll(async () => {
    bare.disconnect();
    await server.stop();
  });

  it('writes what the contract says under the keys that it says', async () => {
    await client.putDevice('a', { metadata: { name: 'Roof' } });
    expect(await bare.hget('device:a:metadata', 'metadata')).toBe('{"name":"Roof"}');
    const lastUpdated = (await bare.hget('device:a:metadata', 'lastUpdated'))!;
    expect(await bare.zscore('devices:updated', 'a')).toBe(String(Date.parse(lastUpdated)));
    expect(await bare.zscore('devices:ids', 'a')).toBe('0');
    const [[, fields]] = (await bare.xrange('devices:changes', '-', '+')) as [[string, string[]]];
    expect(fields).toEqual(['device', 'a', 'cause', 'metadata', 'categories', '', 'at', lastUpdated]);
    const before = Date.now();
    await client.deleteDevice('a');
    expect(Number(await bare.hget('device:a:fences', '*'))).toBeGreaterThanOrEqual(before - 1_000);
    expect((await bare.keys('*')).toSorted()).toEqual(['device:a:fences', 'devices:changes']);
  });

  it('lets a device leave after its time, which varies by a tenth', async () => {
    const timed = newClient({ ttlSeconds: 1_000, random: seededRandom(3) });
    const ids = Array.from({ length: 40 }, (_, index) => `d${index}`);
    await timed.putDevices(ids.map((id) => ({ id, metadata: {} })));
    const times = await Promise.all(ids.map((id) => bare.pttl(`device:${id}:metadata`)));
    expect(Math.max(...times)).toBeLessThanOrEqual(1_100_000);
    expect(Math.min(...times)).toBeGreaterThan(895_000);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(50_000);
    const expiry = Number(await bare.zscore('devices', 'd0'));
    expect(Math.abs(expiry - Date.now() - times[0]!)).toBeLessThan(5_000);
  });

  it('does not list what has expired, and takes it out of the registry with the next write', async () => {
    await client.putDevice('old', { metadata: {} });
    await bare.del('device:old:metadata');
    await bare.zadd('devices', 1, 'old');
    expect((await client.listDevices().page()).devices).toEqual([]);
    expect(await client.cacheInfo()).toMatchObject({ devices: 0, oldestEntry: null });
    await client.putDevice('new', { metadata: {} });
    expect(await bare.zrange('devices:ids', '0', '-1')).toEqual(['new']);
    expect(await bare.zrange('devices:updated', '0', '-1')).toEqual(['new']);
  });

  it('lists more devices of one moment than it asks for at a time, each once, in both directions', async () => {
    const ids = Array.from({ length: 1_203 }, (_, index) => `d${String(index).padStart(4, '0')}`);
    const writes = bare.pipeline();
    for (const id of ids) {
      writes.hset(`device:${id}:metadata`, 'lastUpdated', at);
      writes.zadd('devices:updated', Date.parse(at), id).zadd('devices:ids', 0, id);
    }
    await writes.exec();
    for (const [sort, expected] of [
      ['lastUpdated', ids],
      ['-lastUpdated', ids],
      ['-id', ids.toReversed()],
    ] as const) {
      const found: string[] = [];
      for await (const { id } of client.listDevices({ sort, limit: 250, category: undefined })) found.push(id);
      expect(found).toEqual(expected);
      const page = await client.listDevices({ sort, offset: 1_100, limit: 1_000, pattern: 'd*' }).page();
      expect(page.devices.map(({ id }) => id)).toEqual(expected.slice(1_100));
    }
  });

  it('tells a watch that it has missed changes when the Redis is emptied, also when it is written again at once', async () => {
    await client.putDevice('a', { metadata: {} });
    const slow = newClient({ pollMs: 100 });
    const events: WatchEvent[] = [];
    const ending = new AbortController();
    const watching = (async () => {
      for await (const event of slow.watch({}, { signal: ending.signal })) events.push(event);
    })();
    const until = async (count: number): Promise<void> => {
      for (let tries = 0; events.length < count && tries < 400; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await until(1);
    await client.putDevice('c', { metadata: {} });
    await until(2);
    await bare.flushall();
    await until(3);
    await client.putDevice('d', { metadata: {} });
    await until(4);
    await client.putDevice('e', { metadata: {} });
    await until(5);
    await bare.flushall();
    await client.putDevice('f', { metadata: {} });
    await until(6);
    ending.abort();
    await watching;
    expect(events.map((event) => (event.type === 'change' ? event.deviceId : event.type))).toEqual([
      ...['ready', 'c', 'resync', 'd', 'e', 'resync'],
    ]);
  });

  it('goes on when Redis forgets the scripts', async () => {
    await client.putDevice('a', { metadata: {} });
    await bare.script('FLUSH');
    expect(await client.getDevice('a')).toMatchObject({ id: 'a' });
    await client.putDevice('a', { metadata: { n: 1 } });
    expect(await client.getDevice('a')).toMatchObject({ metadata: { n: 1 } });
  });

  it.each([
    ['no JSON', () => bare.hset('device:a:category:P:readings', 'T', '{')],
    ['no reading', () => bare.hset('device:a:category:P:readings', 'T', '{"index":"T"}')],
    ['a key of another type', () => bare.set('device:a:category:P:readings', 'x')],
    ['metadata that is no object', () => bare.hset('device:a:metadata', 'metadata', '[1]')],
  ])('takes %s for what it is: an answer that the contract does not allow', async (_, spoil) => {
    await client.putDevice('a', { metadata: {} });
    await bare.sadd('device:a:categories', 'P');
    await spoil();
    expect(await rejection(client.getDevice('a'))).toBeInstanceOf(InvalidResponse);
  });

  it('borrows a connection from a pool for each command, and leaves the pool to its owner', async () => {
    const pool = connectionPool<Redis>({
      create: async () => new Redis(server.port, host),
      destroy: (redis) => redis.disconnect(),
      maxSize: 2,
    });
    const pooled = new DeviceCacheClient({ redis: pool });
    await pooled.putDevice('a', { metadata: { n: 1 } });
    expect(await pooled.getDevice('a')).toMatchObject({ metadata: { n: 1 } });
    await pooled.close();
    expect(await pool.use((redis) => redis.ping())).toBe('PONG');
    await pool.close();
  });

  it('ends a call in its time while Redis hangs, and answers when it goes on', async () => {
    const hasty = newClient({ socketTimeoutMs: 100, maxAttempts: 2 });
    await hasty.putDevice('a', { metadata: {} });
    server.signal('SIGSTOP');
    try {
      expect(await rejection(hasty.getDevice('a'))).toBeInstanceOf(RequestTimedOut);
      expect(await hasty.health()).toMatchObject({ status: 'unhealthy' });
    } finally {
      server.signal('SIGCONT');
    }
    expect(await hasty.getDevice('a')).toMatchObject({ id: 'a' });
  });

  it.each(['ioredis', 'redis'])('needs the right password, with %s', async (installed) => {
    const locked = await RedisServer.start();
    const owner = new Redis(locked.port, host);
    await owner.config('SET', 'requirepass', 'right');
    const load: LoadModule = async (name) => (name === installed ? ((await import(name)) as never) : undefined);
    const connections: { close(): Promise<void> }[] = [];
    const by = (password: string): DisposableClient => {
      const made = addressedConnection({ host, port: locked.port, password }, 1_000, () => undefined, load);
      connections.push(made);
      return new DeviceCacheClient({ redis: made.port }, { maxAttempts: 1 });
    };
    const [right, wrong] = [by('right'), by('wrong')];
    try {
      expect(await right.health()).toMatchObject({ status: 'healthy' });
      expect(await rejection(wrong.getDevice('a'))).toBeInstanceOf(AccessDenied);
    } finally {
      for (const connection of connections) await connection.close();
      owner.disconnect();
      await locked.stop();
    }
  });
});

it('a reply that Redis should not give is an answer that the contract does not allow', async () => {
  for (const reply of ['text', 7, [null], ['{}', 'x', [['P']]], [{}, 'x', []]]) {
    const client = new DeviceCacheClient({ redis: { send: async () => reply } }, { maxAttempts: 1 });
    expect(await rejection(client.getDevice('a'))).toBeInstanceOf(InvalidResponse);
    await client.close();
  }
  const odd = new DeviceCacheClient({ redis: { send: async () => 'LOADING' } });
  expect(await odd.health()).toMatchObject({ status: 'unhealthy', causes: [{ component: 'redis' }] });
  await odd.close();
});

it('a pool that lends something else than a Redis client is told of as that', async () => {
  const pool = { use: async (fn: (connection: object) => unknown) => fn({}) };
  const client = new DeviceCacheClient({ redis: pool }, { maxAttempts: 1 });
  const error = await rejection(client.getDevice('a'));
  expect((error as Error).cause).toMatchObject({ message: 'what the pool lends is no Redis client' });
  await client.close();
});

describe('a connection by an address', () => {
  it('says what to install where no Redis client is', async () => {
    const { port } = addressedConnection(
      { host },
      100,
      () => undefined,
      async () => undefined,
    );
    const error = await rejection(port.send(['PING'], { key: undefined }));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain('ioredis, iovalkey or redis to be installed');
  });

  it('that is being made is ended by close', async () => {
    const silent = { createClient };
    const load: LoadModule = async (name) => (name === 'redis' ? silent : undefined);
    const connection = addressedConnection({ host, port: 1 }, 100, () => undefined, load);
    const sent = rejection(connection.port.send(['PING'], { key: undefined }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await connection.close();
    expect(await sent).toBeInstanceOf(Error);
    expect(await rejection(connection.port.send(['PING'], { key: undefined }))).toMatchObject({
      code: 'CLIENT_CLOSED',
    });
  });
});
