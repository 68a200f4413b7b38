/** The same suite on the real service, on its embedded store and on a Redis, which the direct way then shares with it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { redisMissing, RedisServer } from '../../core/test/cache/redis-server.ts';
import { startDeviceCache } from '../../device-cache/src/index.ts';
import { paths } from '../src/contract/paths.ts';
import { DeviceCacheClient } from '../src/index.ts';
import { readingOfStation } from '../src/test-support/readings.ts';
import { transportSuite } from './test-support/transport-suite.ts';
import type { CacheUnderTest } from './test-support/transports.ts';

const folder = mkdtempSync(join(tmpdir(), 'device-client-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** More changes than the log holds. */
const FILLING = 11_000;

async function theService(): Promise<CacheUnderTest> {
  const settings = {
    api: { port: 0, rateLimit: 1_000_000 },
    store: { path: ':memory:' },
    log: { level: 'silent' },
    messages: { deadLetterFile: join(folder, 'errors.jsonl') },
  };
  let fillings = 0;
  let service = await startDeviceCache(settings);
  const post = async (readings: readonly object[]): Promise<void> => {
    const response = await fetch(`${service.url}${paths.readings}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(readings),
    });
    const result = (await response.json()) as { readonly stored: number };
    if (result.stored !== readings.length) throw new Error(`not all was stored: ${JSON.stringify(result)}`);
  };
  return {
    client: (options) => new DeviceCacheClient({ url: service.url }, options),
    ingest: (...readings) => post(readings),
    clear: async () => {
      await service.stop();
      service = await startDeviceCache(settings);
    },
    shortenLog: async () => {
      const timestamp = new Date(Date.UTC(2024, 2, 1) + fillings++).toISOString();
      for (let from = 0; from < FILLING; from += 1_000) {
        const ids = Array.from({ length: 1_000 }, (_, index) => `filler${from + index}`);
        await post(ids.map((device) => readingOfStation({ device, timestamp })));
      }
    },
    takeAway: () => service.stop(),
    stop: () => service.stop(),
  };
}

transportSuite('of the real service', theService);

describe.skipIf(redisMissing !== undefined)('the service and the direct way on one Redis', () => {
  it('see the same devices, and the changes of each other', async () => {
    const server = await RedisServer.start();
    const redis = `redis://127.0.0.1:${server.port}`;
    const service = await startDeviceCache({
      ...{ api: { port: 0 }, log: { level: 'silent' }, redis: { url: redis } },
      messages: { deadLetterFile: join(folder, 'errors-2.jsonl') },
    });
    const overHttp = new DeviceCacheClient({ url: service.url });
    const direct = new DeviceCacheClient({ connectionString: redis }, { pollMs: 5 });
    try {
      const changes = direct.watch();
      expect((await changes.next()).value).toMatchObject({ type: 'ready' });
      await fetch(`${service.url}${paths.readings}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(readingOfStation({ device: 'a', more: { firmware: '1.2' } })),
      });
      expect((await changes.next()).value).toMatchObject({ deviceId: 'a', cause: 'readings', categories: ['P'] });
      await direct.putDevice('a', { metadata: { name: 'Roof' } });
      await overHttp.putDevice('b', { metadata: {} });
      for (const ask of [
        (client: typeof direct) => client.getDevice('a'),
        (client: typeof direct) => client.getReadings('a', { category: 'P' }),
        (client: typeof direct) => client.listDevices({ unit: 'Celsius' }).page(),
        async (client: typeof direct) => [...(await client.getDevices(['b', 'c', 'a'])).values()],
      ]) {
        expect(await ask(overHttp)).toEqual(await ask(direct));
      }
      expect(await overHttp.deleteDevice('a')).toBe(true);
      expect(await direct.deleteDevice('a')).toBe(false);
      await changes.return?.();
    } finally {
      await Promise.all([overHttp.close(), direct.close()]);
      await service.stop();
      await server.stop();
    }
  });
});
