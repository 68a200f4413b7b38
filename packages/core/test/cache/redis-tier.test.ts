/** The second tier on a real Redis, through each of the clients. */
import {
  createCache,
  deflate,
  ioredisPort,
  nodeRedisPort,
  redisBus,
  redisStore,
  richCodec,
  type RedisPort,
} from 'breakwater/cache';
import { Redis } from 'ioredis';
import { Redis as Valkey } from 'iovalkey';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { redisMissing, RedisServer } from './redis-server.ts';

if (redisMissing !== undefined) console.log(`not run: the second tier on Redis: ${redisMissing}`);

let server: RedisServer;
let bare: Redis;
const endings: (() => unknown)[] = [];

beforeAll(async () => {
  if (redisMissing !== undefined) return;
  server = await RedisServer.start();
  bare = new Redis(server.port, '127.0.0.1');
});
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
  if (redisMissing === undefined) await bare.flushall();
});
afterAll(async () => {
  bare?.disconnect();
  await server?.stop();
});

const clients: Record<string, () => Promise<RedisPort>> = {
  ioredis: async () => {
    const client = new Redis(server.port, '127.0.0.1');
    endings.push(() => client.disconnect());
    return ioredisPort(client);
  },
  iovalkey: async () => {
    const client = new Valkey(server.port, '127.0.0.1');
    endings.push(() => client.disconnect());
    return ioredisPort(client);
  },
  'node-redis': async () => {
    const client = createClient({ socket: { port: server.port, host: '127.0.0.1' } });
    client.on('error', () => undefined);
    await client.connect();
    endings.push(() => client.destroy());
    return nodeRedisPort(client);
  },
};

type Tier = NonNullable<NonNullable<Parameters<typeof createCache>[0]>['secondTier']>;

async function cacheOn(port: RedisPort, more: Partial<Tier> = {}, options: object = {}) {
  const cache = createCache<unknown>({
    namespace: 'users',
    ttlMs: 60_000,
    // On a machine that is busy an answer may take its time.
    secondTier: { store: redisStore(port), softTimeoutMs: 2_000, hardTimeoutMs: 5_000, ...more },
    ...options,
  });
  endings.push(() => cache.close());
  return cache;
}

const until = async (condition: () => unknown): Promise<void> => {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 300) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

describe.skipIf(redisMissing !== undefined).each(Object.keys(clients))('a second tier through %s', (name) => {
  const port = (): Promise<RedisPort> => clients[name]!();

  it('gives another process what one has loaded, and forgets what one deletes', async () => {
    const [one, two] = [await cacheOn(await port()), await cacheOn(await port())];
    await one.getOrLoad('a:b', () => ({ n: 1 }));
    await until(async () => (await bare.keys('users:v:*')).length === 1);
    await expect(two.getOrLoad('a:b', () => ({ n: 2 }))).resolves.toEqual({ n: 1 });
    expect(two.statistics).toMatchObject({ tierHits: 1, loads: 0 });
    await two.delete('a:b');
    expect(await two.get('a:b')).toBeUndefined();
    await expect(two.getOrLoad('a:b', () => ({ n: 3 }))).resolves.toEqual({ n: 3 });
  });

  it('tells the other process over the bus, which then drops what it has', async () => {
    const ports = [await port(), await port()];
    const connected: boolean[] = [];
    const caches = await Promise.all(
      ports.map((own) => cacheOn(own, { bus: { source: redisBus(own), heartbeatMs: 50 } })),
    );
    for (const [at, cache] of caches.entries())
      cache.on('cache-bus', ({ state }) => (connected[at] = state === 'connected'));
    await until(() => connected[0] === true && connected[1] === true);
    const [one, two] = caches as [(typeof caches)[0], (typeof caches)[0]];
    await one.set('a', 'old', { tags: ['t'] });
    await one.set('b', 'kept');
    expect([await two.get('a'), await two.get('b')]).toEqual(['old', 'kept']);
    await one.set('a', 'new', { tags: ['t'] });
    await until(async () => (await two.get('a')) === 'new');
    await one.invalidateTags('t');
    await until(async () => (await two.get('a')) === undefined);
    expect(await two.get('b')).toBe('kept');
    await one.clear();
    await until(async () => (await two.get('b')) === undefined);
  });
});

describe.skipIf(redisMissing !== undefined)('a second tier on Redis', () => {
  const port = (): Promise<RedisPort> => clients['ioredis']!();

  it('invalidates tags without a bus too: what was stored under them is a miss', async () => {
    const [one, two] = [await cacheOn(await port()), await cacheOn(await port())];
    await one.set('a', 'x', { tags: ['t'] });
    await two.invalidateTags('t');
    const three = await cacheOn(await port());
    expect(await three.get('a')).toBeUndefined();
    await one.set('a', 'y', { tags: ['t'] });
    expect(await three.get('a')).toBe('y');
  });

  it('does not let a load overwrite what was set or deleted while it ran', async () => {
    const [one, two] = [await cacheOn(await port()), await cacheOn(await port())];
    for (const change of ['set', 'delete'] as const) {
      let release!: (value: string) => void;
      let started!: () => void;
      const running = new Promise<void>((resolve) => (started = resolve));
      const slow = one.getOrLoad(change, () => {
        started();
        return new Promise<string>((resolve) => (release = resolve));
      });
      await running;
      if (change === 'set') await two.set(change, 'new');
      else await two.delete(change);
      release('old');
      await expect(slow).resolves.toBe('old');
      await until(() => one.peek(change) === undefined);
      expect(await one.get(change)).toBe(change === 'set' ? 'new' : undefined);
    }
  });

  it('takes torn, flipped, foreign and older values for misses, removes them, and goes on', async () => {
    const own = await port();
    const cache = await cacheOn(own);
    const faults: string[] = [];
    cache.on('cache-poison', ({ fault }) => faults.push(fault));
    const poison = async (key: string, change: (bytes: Buffer) => Buffer): Promise<void> => {
      await (await cacheOn(own)).set(key, { name: 'value' });
      const bytes = (await bare.getBuffer(`users:v:${key}`))!;
      await bare.set(`users:v:${key}`, change(bytes));
    };
    await poison('flipped', (bytes) =>
      Buffer.concat([bytes.subarray(0, -3), Buffer.from([bytes.at(-3)! ^ 1]), bytes.subarray(-2)]),
    );
    await poison('cut', (bytes) => bytes.subarray(0, -5));
    await poison('foreign', () => Buffer.from('{"name":"not ours"}'));
    await poison('header', (bytes) => bytes.subarray(0, 20));
    await (await cacheOn(own, { schemaVersion: 2 })).set('older', 'x');
    await (await cacheOn(own)).set('origin', 'x');
    await bare.copy('users:v:origin', 'users:v:moved');
    await bare.lpush('users:v:list', 'x');
    for (const key of ['flipped', 'cut', 'foreign', 'header', 'older', 'moved', 'list']) {
      await expect(cache.getOrLoad(key, () => `loaded ${key}`)).resolves.toBe(`loaded ${key}`);
    }
    expect(faults).toEqual(['torn', 'torn', 'not ours', 'not ours', 'of another schema', 'of another key']);
    await expect(cache.getOrLoad('again', () => 'x')).resolves.toBe('x');
    expect(cache.statistics).toMatchObject({ poison: 6, tierFailures: 0 });
    const other = await cacheOn(own);
    await until(async () => (await other.get('flipped')) === 'loaded flipped');
  });

  it('gives no value that its schema refuses', async () => {
    const own = await port();
    await (await cacheOn(own)).set('a', { id: 'seven' });
    const decode = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) =>
          typeof (value as { id: unknown }).id === 'number'
            ? { value }
            : { issues: [{ message: 'id must be a number' }] },
      },
    };
    const strict = await cacheOn(own, { decode });
    expect([await strict.get('a'), strict.statistics.poison]).toEqual([undefined, 1]);
  });

  it('keeps rich values, packed where they are large', async () => {
    const own = await port();
    const more = { codec: richCodec, compression: deflate(), compressAboveBytes: 100 };
    const value = {
      at: new Date(5),
      map: new Map([['k', 5n]]),
      set: new Set([1]),
      bytes: new Uint8Array(2_000),
      text: 'x'.repeat(50_000),
    };
    await (await cacheOn(own, more)).set('a', value);
    expect(await (await cacheOn(own, more)).get('a')).toEqual(value);
    expect(await bare.strlen('users:v:a')).toBeLessThan(2_000);
  });

  it('expires by the time of the store, whatever the clocks of the processes say', async () => {
    const own = await port();
    const writer = await cacheOn(own, {}, { ttlMs: 400, jitterRatio: 0, staleIfErrorMs: 5_000 });
    await writer.set('a', 'x');
    const reader = await cacheOn(own, {}, { staleIfErrorMs: 5_000 });
    expect(await reader.get('a')).toBe('x');
    const { freshMs, remainingMs } = (await reader.inspect('a'))!;
    expect(freshMs).toBeLessThanOrEqual(400);
    expect(remainingMs).toBeGreaterThan(4_500);
    await new Promise((resolve) => setTimeout(resolve, 450));
    expect(await (await cacheOn(own)).get('a')).toBeUndefined();
    await expect(
      (await cacheOn(own, {}, { staleIfErrorMs: 5_000 })).getOrLoad('a', () => Promise.reject(new Error('down'))),
    ).resolves.toBe('x');
  });

  it('asks for many keys in one question', async () => {
    const own = await port();
    const sent: string[] = [];
    const counting: RedisPort = {
      ...own,
      send: (command, route) => {
        sent.push(String(command[0]));
        return own.send(command, route);
      },
    };
    const keys = Array.from({ length: 100 }, (_, n) => `key ${n}`);
    await (await cacheOn(own)).setMany(keys.map((key) => [key, key]));
    const cache = await cacheOn(counting);
    expect(await cache.getMany(keys)).toEqual(keys);
    sent.length = 0;
    expect(await cache.getMany(keys.map((key) => `${key} again`))).toEqual(keys.map(() => undefined));
    expect(sent).toEqual(['MGET']);
  });

  it('finds and deletes keys by pattern without KEYS', async () => {
    const own = await port();
    await (
      await cacheOn(own)
    ).setMany([
      ['user:1', 1],
      ['user:2', 2],
      [['user', 3], 3],
      ['x'.repeat(500), 4],
    ]);
    await bare.config('RESETSTAT');
    const cache = await cacheOn(own);
    const keys: string[] = [];
    for await (const key of cache.scan('user:*')) keys.push(String(key));
    expect(keys.toSorted()).toEqual(['user:1', 'user:2']);
    expect(await cache.deleteMatching('user:*')).toBe(2);
    expect([await cache.get('user:1'), await cache.get(['user', 3]), await cache.get('x'.repeat(500))]).toEqual([
      undefined,
      3,
      4,
    ]);
    expect(await bare.info('commandstats')).not.toMatch(/cmdstat_keys/);
  });

  it('goes on after the scripts were flushed', async () => {
    const cache = await cacheOn(await port());
    await cache.set('a', 1);
    await cache.set('b', 2);
    await bare.script('FLUSH');
    await cache.set('c', 3);
    expect([await (await cacheOn(await port())).get('c'), cache.statistics.tierFailures]).toEqual([3, 0]);
  });

  it('writes behind: at once for readers, later to the store, and before it closes', async () => {
    const cache = await cacheOn(await port(), { write: 'behind', writeDelayMs: 30 });
    await cache.set('a', 1);
    await cache.set('a', 2);
    await cache.delete('b');
    expect(await bare.exists('users:v:a')).toBe(0);
    expect(await cache.get('a')).toBe(2);
    await until(async () => (await bare.exists('users:v:a')) === 1);
    await cache.set('c', 3);
    await cache.close();
    expect([await bare.exists('users:v:c'), cache.statistics.lost]).toEqual([1, 0]);
  });
});
