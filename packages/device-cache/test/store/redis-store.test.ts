/**
 * The suite of all stores on a real Redis and on a real Valkey, and what only a server shows: that it goes away, forgets
 * its scripts, is asked in few commands.
 */
import { ioredisPort } from 'breakwater/cache';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisMissing, RedisServer, valkeyMissing } from '../../../core/test/cache/redis-server.ts';
import { redisStore } from '../../src/store/redis/redis-store.ts';
import type { DeviceStore } from '../../src/store/store.ts';
import { fenced } from '../../src/store/test-support/readings.ts';
import { storeSuite } from '../../src/store/test-support/store-suite.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const servers = [
  { name: 'Redis', program: 'redis-server', missing: redisMissing, versionField: 'redis_version:' },
  { name: 'Valkey', program: 'valkey-server', missing: valkeyMissing, versionField: 'valkey_version:' },
] as const;

// One line says that a server is not here, not one for each test of the suite.
for (const { name, missing } of servers)
  it.skipIf(missing !== undefined)(`a ${name} is there for the suite of the stores`, () => {
    expect(missing).toBeUndefined();
  });

const present = servers.filter(({ missing }) => missing === undefined);

describe.each(present)('on a real $name', ({ name, program, versionField }) => {
  let server: RedisServer;
  let client: Redis;
  beforeAll(async () => {
    server = await RedisServer.start([], program);
    client = new Redis({ port: server.port, maxRetriesPerRequest: 1, enableOfflineQueue: false, lazyConnect: true });
    client.on('error', () => undefined);
    await client.connect();
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  it('is what answers', async () => {
    expect(await client.info('server')).toContain(versionField);
  });

  storeSuite({
    name: name.toLowerCase(),
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
      ['categories', 'category:P:readings', 'fences', 'metadata'].map((part) => `device:s1:${part}`),
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

  /** A store with what it has sent, by command. */
  function observed(): { store: DeviceStore; commands: string[] } {
    const port = ioredisPort(client);
    const commands: string[] = [];
    const send: typeof port.send = (command, route) => {
      commands.push(String(command[0]));
      return port.send(command, route);
    };
    return { store: redisStore({ port: { ...port, send }, pollMs: 10 }), commands };
  }

  it('reads all devices that are asked for in one turn of the event loop by few commands', async () => {
    await client.flushall();
    const { store, commands } = observed();
    const ids = Array.from({ length: 250 }, (_, at) => `s${at}`);
    await store.write(ids.map((id) => fenced(id, 0)));
    await store.getJson(['s0']);
    commands.length = 0;
    const found = await Promise.all([...ids, 'missing'].map((id) => store.getJson([id])));
    expect(found.map(([json]) => json?.includes('readings'))).toEqual([...ids.map(() => true), undefined]);
    expect(commands).toEqual(['EVALSHA', 'EVALSHA', 'EVALSHA']);
    await store.close();
  });

  it('does not keep other devices from their readers because of one that can not be read', async () => {
    await client.flushall();
    const store = redisStore({ port: ioredisPort(client) });
    await store.write([fenced('s1', 0), fenced('s2', 0)]);
    await client.set('device:broken:metadata', 'no hash');
    const [good, broken, missing] = await Promise.allSettled([
      store.get(['s1', 's2']),
      store.get(['broken']),
      store.get(['s3']),
    ]);
    expect(good).toMatchObject({ status: 'fulfilled', value: [{ id: 's1' }, { id: 's2' }] });
    expect(broken).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    expect(missing).toEqual({ status: 'fulfilled', value: [undefined] });
    await store.close();
  });

  it('shows a moment in one form, however it was written', async () => {
    await client.flushall();
    const store = redisStore({ port: ioredisPort(client) });
    const midnight = { timestamp: '2026-01-01T24:00:00.000Z' };
    const written = fenced('s1', 0, midnight);
    await store.write([{ ...written, timestampUs: Date.UTC(2026, 0, 2) * 1_000 }]);
    await client.hset('device:s2:metadata', 'lastUpdated', '2026-01-02T01:00:00+01:00');
    for (const id of ['s1', 's2']) {
      const [json] = await store.getJson([id]);
      expect(json).toContain('"lastUpdated":"2026-01-02T00:00:00.000Z"');
    }
    await store.close();
  });

  it('tells who needs no more which devices have changed, each once, and everything as soon as somebody needs it', async () => {
    await client.flushall();
    const store = redisStore({ port: ioredisPort(client), pollMs: 10 });
    let areEnough = true;
    const told: string[] = [];
    const stop = await store.listen({
      changed: ({ data }) => told.push(`${data.deviceId}: ${data.cause}`),
      gap: () => told.push('gap'),
      ids: { areEnough: () => areEnough, changed: (ids) => told.push(...ids) },
    });
    await store.write([fenced('s1', 0), fenced('s2', 0), fenced('s1', 1)]);
    await expect.poll(() => told).toEqual(['s1', 's2']);
    areEnough = false;
    await store.write([fenced('s1', 2)]);
    await expect.poll(() => told).toEqual(['s1', 's2', 's1: readings']);
    await stop();
    await store.close();
  });

  it('leaves out no change for who needs everything and comes while the log is being read', async () => {
    await client.flushall();
    const port = ioredisPort(client);
    let areEnough = true;
    /** Runs once, when the log is about to be read for its ids. */
    let before: (() => Promise<void>) | undefined = undefined;
    const send: typeof port.send = async (command, route) => {
      const task = before;
      before = undefined;
      await task?.();
      return port.send(command, route);
    };
    const store = redisStore({ port: { ...port, send }, pollMs: 10 });
    const told: string[] = [];
    const stop = await store.listen({
      changed: ({ data }) => told.push(data.deviceId),
      gap: () => told.push('gap'),
      ids: { areEnough: () => areEnough, changed: (ids) => told.push(`only ${ids.join()}`) },
    });
    const other = redisStore({ port });
    before = async () => {
      await other.write([fenced('s1', 0)]);
      areEnough = false;
    };
    await expect.poll(() => told).toEqual(['s1']);
    await other.write([fenced('s2', 0)]);
    await expect.poll(() => told).toEqual(['s1', 's2']);
    await Promise.all([stop(), other.close()]);
    await store.close();
  });
});
