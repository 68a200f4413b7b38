/** What a client promises whatever its way to the devices: the same suite for each. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type ClientOptions,
  type Device,
  type DisposableClient,
  DeviceNotFound,
  InvalidRequest,
  ServiceUnavailable,
  type WatchEvent,
} from '../../src/index.ts';
import { readingOfStation as reading } from '../../src/test-support/readings.ts';
import type { CacheUnderTest } from './transports.ts';

export function transportSuite(name: string, start: () => Promise<CacheUnderTest>): void {
  describe(`a client ${name}`, () => {
    let cache: CacheUnderTest;
    let client: DisposableClient;
    const clients: DisposableClient[] = [];
    const newClient = (options?: ClientOptions): DisposableClient => {
      const made = cache.client(options);
      clients.push(made);
      return made;
    };
    beforeAll(async () => {
      cache = await start();
    });
    beforeEach(async () => {
      await cache.clear();
      client = newClient();
    });
    afterEach(async () => {
      await Promise.all(clients.splice(0).map((made) => made.close()));
    });
    afterAll(() => cache.stop());

    describe('reads', () => {
      it('a device with its readings in the order of category and index, and all that writers said of them', async () => {
        await cache.ingest(
          reading({ index: 'WS', category: 'P', unit: 'km/h', datatype: 'Wind Speed', values: [10] }),
          reading({ index: 'U', category: 'M', values: [65, null, [true], { a: 'ü' }], more: { firmware: '1.2' } }),
          reading({ index: 'T', category: 'P', timestamp: '2024-03-01T14:00:00+01:00' }),
          reading({ index: 'X', category: null }),
        );
        const device = await client.getDevice('station_123');
        expect(device).toMatchObject({ id: 'station_123', metadata: {}, readingCount: 4 });
        expect(device.categories).toEqual(['M', 'P', 'uncategorised']);
        expect(device.lastUpdated).toBe('2024-03-01T13:00:00.000Z');
        expect(device.readings.map(({ index }) => index)).toEqual(['U', 'T', 'WS', 'X']);
        expect(device.readings[0]).toMatchObject({ values: [65, null, [true], { a: 'ü' }], firmware: '1.2' });
        expect(device.readings[1]).toEqual(reading({ index: 'T', timestamp: '2024-03-01T14:00:00+01:00' }));
      });

      it('that there is no such device, as DeviceNotFound', async () => {
        await expect(client.getDevice('nobody')).rejects.toThrow(DeviceNotFound);
        await expect(client.getReadings('nobody')).rejects.toMatchObject({
          code: 'DEVICE_NOT_FOUND',
          deviceId: 'nobody',
        });
      });

      it('many devices, those that there are, in the order of their ids and each once', async () => {
        await cache.ingest(reading({ device: 'a' }), reading({ device: 'b' }));
        const devices = await client.getDevices(['b', 'nobody', 'a', 'b']);
        expect([...devices.keys()]).toEqual(['b', 'a']);
        expect(devices.get('a')?.readings).toHaveLength(1);
        expect((await client.getDevices([])).size).toBe(0);
      });

      it('the readings of a category or an index', async () => {
        await cache.ingest(reading({ index: 'T' }), reading({ index: 'U' }), reading({ index: 'T', category: 'M' }));
        const of = async (query: object): Promise<string[]> =>
          (await client.getReadings('station_123', query)).map(
            ({ index, metadata }) => `${metadata!.datatype_category}:${index}`,
          );
        expect(await of({})).toEqual(['M:T', 'P:T', 'P:U']);
        expect(await of({ category: 'P' })).toEqual(['P:T', 'P:U']);
        expect(await of({ index: 'T' })).toEqual(['M:T', 'P:T']);
        expect(await of({ category: 'M', index: 'U' })).toEqual([]);
      });

      it('what the cache holds, and that it is healthy', async () => {
        expect(await client.cacheInfo()).toMatchObject({ devices: 0, oldestEntry: null, newestEntry: null });
        await cache.ingest(
          reading({ device: 'a', timestamp: '2024-03-01T10:00:00Z' }),
          reading({ device: 'b', timestamp: '2024-03-01T11:00:00Z' }),
        );
        expect(await client.cacheInfo()).toMatchObject({
          devices: 2,
          oldestEntry: '2024-03-01T10:00:00.000Z',
          newestEntry: '2024-03-01T11:00:00.000Z',
        });
        expect(await client.health()).toMatchObject({ status: 'healthy', causes: [] });
      });
    });

    describe('lists', () => {
      const minutes = ['05', '03', '03', '01', '04'];
      beforeEach(async () => {
        for (const [index, id] of ['a1', 'a2', 'b1', 'b2', 'c1'].entries()) {
          await cache.ingest(
            reading({
              ...{ device: id, timestamp: `2024-03-01T12:${minutes[index]}:00Z` },
              ...(id.startsWith('a') ? { category: 'M', unit: '%', datatype: 'Humidity' } : {}),
            }),
          );
        }
      });
      const idsOf = async (query: Parameters<DisposableClient['listDevices']>[0]): Promise<string[]> => {
        const ids: string[] = [];
        for await (const { id } of client.listDevices(query)) ids.push(id);
        return ids;
      };

      it.each([1, 2, 3, 5, 100])('all devices once, in pages of %i', async (limit) => {
        const pages: string[][] = [];
        for await (const { devices } of client.listDevices({ limit }).pages()) pages.push(devices.map(({ id }) => id));
        expect(pages.flat()).toEqual(['a1', 'a2', 'b1', 'b2', 'c1']);
        expect(Math.max(...pages.map((page) => page.length))).toBe(Math.min(limit, 5));
      });

      it('devices without their readings, and how many they are', async () => {
        const { devices } = await client.listDevices({ limit: 1 }).page();
        expect(devices).toEqual([
          { id: 'a1', lastUpdated: '2024-03-01T12:05:00.000Z', metadata: {}, categories: ['M'], readingCount: 1 },
        ]);
      });

      it('the page that limit and offset say, and from there on to the end', async () => {
        const page = await client.listDevices({ limit: 2, offset: 1 }).page();
        expect(page.devices.map(({ id }) => id)).toEqual(['a2', 'b1']);
        expect(page.nextCursor).not.toBeNull();
        expect(await idsOf({ limit: 2, offset: 1 })).toEqual(['a2', 'b1', 'b2', 'c1']);
        expect(await client.listDevices({ offset: 5 }).page()).toEqual({ devices: [], nextCursor: null });
      });

      it.each([
        ['id', ['a1', 'a2', 'b1', 'b2', 'c1']],
        ['-id', ['c1', 'b2', 'b1', 'a2', 'a1']],
        ['lastUpdated', ['b2', 'a2', 'b1', 'c1', 'a1']],
        // Of those of one moment the ids decide, in both directions alike.
        ['-lastUpdated', ['a1', 'c1', 'a2', 'b1', 'b2']],
      ] as const)('in the order %s, also over pages of one', async (sort, ids) => {
        expect(await idsOf({ sort })).toEqual(ids);
        expect(await idsOf({ sort, limit: 1 })).toEqual(ids);
      });

      it.each([
        [{ pattern: 'a*' }, ['a1', 'a2']],
        [{ pattern: '?1' }, ['a1', 'b1', 'c1']],
        [{ pattern: '*' }, ['a1', 'a2', 'b1', 'b2', 'c1']],
        [{ pattern: 'A1' }, []],
        [{ category: 'M' }, ['a1', 'a2']],
        [{ unit: 'Celsius' }, ['b1', 'b2', 'c1']],
        [{ datatype: 'Humidity' }, ['a1', 'a2']],
        [{ datatype: 'dt_Humidity', pattern: '*2' }, ['a2']],
        [{ category: 'M', unit: 'Celsius' }, []],
        [{ updatedSince: '2024-03-01T12:04:00Z' }, ['a1', 'c1']],
        [{ updatedSince: '2024-03-01T13:04:00+01:00', category: 'P' }, ['c1']],
      ])('those that %j means, also over pages of one', async (query, ids) => {
        expect(await idsOf(query)).toEqual(ids);
        expect(await idsOf({ ...query, limit: 1 })).toEqual(ids);
      });

      it('goes on behind a device that was deleted between two pages', async () => {
        const first = await client.listDevices({ limit: 2 }).page();
        await client.deleteDevice('a2');
        expect(await idsOf({ cursor: first.nextCursor! })).toEqual(['b1', 'b2', 'c1']);
      });

      it('nothing by a cursor that is none', async () => {
        await expect(client.listDevices({ cursor: '~~~' }).page()).rejects.toThrow(InvalidRequest);
      });
    });

    describe('writes', () => {
      it('metadata in place of what was there, null and true as they are, and leaves the readings', async () => {
        await cache.ingest(reading());
        const metadata = { name: 'Roof', place: { lat: 1.5 }, tags: ['ü', null], active: true, owner: null };
        const put = await client.putDevice('station_123', { metadata });
        expect(put).toMatchObject({ id: 'station_123', metadata });
        expect((await client.getDevice('station_123')).metadata).toEqual(metadata);
        expect(put.readingCount).toBe(1);
        expect(Date.parse(put.lastUpdated)).toBeGreaterThan(Date.parse('2024-03-01T12:00:00Z'));
        await client.putDevice('station_123', { metadata: {} });
        expect(await client.getDevice('station_123')).toMatchObject({ metadata: {}, readingCount: 1 });
      });

      it('names in metadata that objects have already, as data, but not the one that changes objects', async () => {
        const metadata = { constructor: 'x', toString: [1], ['has.dot']: { hasOwnProperty: null } };
        await client.putDevice('a', { metadata });
        expect(JSON.stringify((await client.getDevice('a')).metadata)).toBe(JSON.stringify(metadata));
        const spoilt = JSON.parse('{ "a": { "__proto__": { "admin": true } } }') as Device['metadata'];
        await expect(client.putDevice('a', { metadata: spoilt })).rejects.toThrow(InvalidRequest);
        expect(JSON.stringify((await client.getDevice('a')).metadata)).toBe(JSON.stringify(metadata));
      });

      it('many devices at once, of which the later one counts where an id comes twice', async () => {
        const put = await client.putDevices([
          { id: 'b', metadata: { n: 1 } },
          { id: 'a', metadata: {} },
          { id: 'b', metadata: { n: 2 } },
        ]);
        expect(put.map(({ id }) => id)).toEqual(['b', 'a', 'b']);
        expect(await client.getDevice('b')).toMatchObject({ metadata: { n: 2 }, readings: [] });
        expect((await client.listDevices().page()).devices.map(({ id }) => id)).toEqual(['a', 'b']);
      });

      it('nothing any more of a device that is deleted', async () => {
        await cache.ingest(reading());
        await client.putDevice('station_123', { metadata: { name: 'Roof' } });
        expect(await client.deleteDevice('station_123')).toBe(true);
        expect(await client.deleteDevice('station_123')).toBe(false);
        await expect(client.getDevice('station_123')).rejects.toThrow(DeviceNotFound);
        expect((await client.listDevices().page()).devices).toEqual([]);
        await client.putDevice('station_123', { metadata: {} });
        expect(await client.getDevice('station_123')).toMatchObject({ readings: [], categories: [] });
      });
    });

    describe('watches', () => {
      const watch = (...parameters: Parameters<DisposableClient['watch']>): (() => Promise<WatchEvent>) => {
        const events = client.watch(...parameters);
        return async () => {
          const { done, value } = await events.next();
          if (done === true) throw new Error('the watch has ended');
          return value;
        };
      };

      it('every change from its first event on', async () => {
        const next = watch();
        expect(await next()).toMatchObject({ type: 'ready' });
        await cache.ingest(reading({ device: 'a' }));
        await client.putDevice('b', { metadata: {} });
        await client.deleteDevice('a');
        expect(await next()).toMatchObject({ type: 'change', deviceId: 'a', cause: 'readings', categories: ['P'] });
        expect(await next()).toMatchObject({ deviceId: 'b', cause: 'metadata', categories: [] });
        expect(await next()).toMatchObject({ deviceId: 'a', cause: 'deleted' });
      });

      it('only the devices that it is about', async () => {
        const [byId, byPattern] = [watch({ device: ['b', 'c'] }), watch({ pattern: 'c*' })];
        await Promise.all([byId(), byPattern()]);
        for (const id of ['a', 'c1', 'b']) await client.putDevice(id, { metadata: {} });
        expect(await byId()).toMatchObject({ deviceId: 'b' });
        expect(await byPattern()).toMatchObject({ deviceId: 'c1' });
      });

      it('what came after a position that it is given', async () => {
        const next = watch();
        await next();
        await client.putDevice('a', { metadata: {} });
        const { position } = await next();
        await client.putDevice('b', { metadata: {} });
        expect(await watch({ since: position })()).toMatchObject({ type: 'change', deviceId: 'b' });
      });

      it('that changes are missing which the log no longer has', async () => {
        const next = watch();
        const { position } = await next();
        await cache.shortenLog();
        for (const id of ['a', 'b', 'c']) await client.putDevice(id, { metadata: {} });
        await cache.shortenLog();
        const late = watch({ since: position });
        expect(await late()).toMatchObject({ type: 'resync', reason: 'log-exceeded' });
        await client.putDevice('d', { metadata: {} });
        expect(await late()).toMatchObject({ type: 'change', deviceId: 'd' });
      });

      it('until its signal is aborted, or the client is closed', async () => {
        const controller = new AbortController();
        const [aborted, left] = [client.watch({}, { signal: controller.signal }), client.watch()];
        await Promise.all([aborted.next(), left.next()]);
        const ends = [aborted.next(), left.next()];
        controller.abort();
        expect(await ends[0]).toMatchObject({ done: true });
        await client.close();
        expect(await ends[1]).toMatchObject({ done: true });
      });
    });

    describe('with a near cache', () => {
      it('answers from memory until the stream tells of a change', async () => {
        const near = newClient({ nearCache: true });
        await cache.ingest(reading({ values: [1] }));
        expect(near.peekDevice('station_123')).toBeUndefined();
        await eventually(async () => {
          await near.getDevice('station_123');
          // The stream clears what was loaded before it was there.
          expect((await near.health()).status).toBe('healthy');
          expect(near.peekDevice('station_123')?.readings[0]?.values).toEqual([1]);
        });
        await cache.ingest(reading({ values: [2], timestamp: '2024-03-01T12:00:01Z' }));
        await eventually(async () => {
          const device = await near.getDevice('station_123');
          expect(device.readings[0]?.values).toEqual([2]);
        });
      });

      it('sees its own writes at once', async () => {
        const near = newClient({ nearCache: true });
        await near.putDevice('a', { metadata: { n: 1 } });
        expect((await near.getDevice('a')).metadata).toEqual({ n: 1 });
        await near.putDevice('a', { metadata: { n: 2 } });
        expect((await near.getDevices(['a'])).get('a')?.metadata).toEqual({ n: 2 });
        await near.deleteDevice('a');
        await expect(near.getDevice('a')).rejects.toThrow(DeviceNotFound);
      });
    });

    describe('whose cache is away', () => {
      it('fails with ServiceUnavailable, and its health says so instead of failing', async () => {
        await client.getDevices(['a']);
        // The last test of the suite.
        await cache.takeAway();
        await expect(client.getDevice('a')).rejects.toThrow(ServiceUnavailable);
        const health = await client.health();
        expect(health.status).toBe('unhealthy');
        expect(health.causes[0]?.message).not.toBe('');
      });
    });
  });
}

/** Tries again until it holds, for two seconds. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const until = Date.now() + 2_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
