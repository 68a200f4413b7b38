import { ConfigurationError } from 'breakwater/errors';
import { describe, expect, it } from 'vitest';
import { DeviceCacheClient, type ClientTarget } from '../index.ts';
import { MemoryService } from '../test-support/memory-service.ts';
import { clientUnderTest, rejection } from '../test-support/clients.ts';
import { readingOfStation as reading } from '../test-support/readings.ts';
import { redisAddressOf } from '../redis/redis-address.ts';
import { settingsFromEnvironment } from './settings-sources.ts';

/** What a client that can't be meant is refused with. */
function refusal(target: object, options?: object): ConfigurationError {
  const make = (): unknown => new DeviceCacheClient(target as ClientTarget, options);
  try {
    make();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('it was taken');
}
const faultsOf = (...given: Parameters<typeof refusal>): readonly string[] =>
  refusal(...given).faults.map(({ path }) => path);

describe('a target', () => {
  it.each([
    { url: 'http://localhost:8080' },
    { url: 'https://devices.example/cache/', token: 'x' },
    { url: 'https://devices.example', token: () => 'x' },
    { redis: { send: async () => null } },
    { redis: { use: async () => undefined } },
    { host: 'localhost' },
    { host: 'localhost', port: 6380, username: 'u', password: 'p', db: 2, tls: true },
    { connectionString: 'redis://localhost' },
    { connectionString: 'rediss://u:p@localhost:6380/3' },
    { connectionString: 'https://devices.example', token: 'x' },
  ])('may be %j, and connects to nothing by itself', async (target) => {
    const client = new DeviceCacheClient(target);
    await client.close();
  });

  it.each([
    [{}, ['deviceCacheClient']],
    [{ url: 'http://a', host: 'b' }, ['deviceCacheClient']],
    [{ url: 'ftp://a' }, ['deviceCacheClient.url']],
    [{ url: 'http://user:pass@a' }, ['deviceCacheClient.url']],
    [{ url: 'http://a?x=1' }, ['deviceCacheClient.url']],
    [{ url: 'http://a', token: '' }, ['deviceCacheClient.token']],
    [{ url: 'http://a', db: 1 }, ['deviceCacheClient.db']],
    [{ redis: {} }, ['deviceCacheClient.redis']],
    [{ redis: 'localhost' }, ['deviceCacheClient.redis']],
    [{ host: '', port: 0, db: -1 }, ['deviceCacheClient.host', 'deviceCacheClient.port', 'deviceCacheClient.db']],
    [{ connectionString: 'mysql://a' }, ['deviceCacheClient.connectionString']],
    [{ connectionString: 'redis://a/x' }, ['deviceCacheClient.connectionString']],
    [{ connectionString: 'redis://a', token: 'x' }, ['deviceCacheClient.token']],
    [{ url: 'http://a', hots: 'b' }, ['deviceCacheClient.hots']],
  ])('can not be %j', (target, paths) => {
    expect(faultsOf(target)).toEqual(paths);
  });

  it('is told of without its secrets when it can not be meant', () => {
    expect(refusal({ connectionString: 'postgres://admin:hunter2@db' }).message).not.toContain('hunter2');
    expect(refusal({ url: 'http://admin:hunter2@a' }).message).not.toContain('hunter2');
    expect(refusal({ host: 'a', password: ['hunter2'] }).message).not.toContain('hunter2');
  });

  it('of a Redis is read from its URL', () => {
    expect(redisAddressOf('rediss://me:p%40ss@[::1]:6380/3')).toEqual({
      ...{ host: '::1', port: 6380, username: 'me', password: 'p@ss', db: 3, tls: true },
    });
    expect(redisAddressOf('redis://cache')).toEqual({ host: 'cache', port: 6379, db: 0, tls: false });
    expect(redisAddressOf('redis://')).toBeUndefined();
  });
});

it('all faults of target and options are told at once', () => {
  const options = { httpTimeoutMs: 0, maxAttempts: 1.5, hegde: true, nearCache: { ttl: 5 }, logger: {}, policies: 5 };
  expect(faultsOf({ host: 'a', port: 'b' }, options)).toEqual([
    'deviceCacheClient.port',
    'deviceCacheClient.httpTimeoutMs',
    'deviceCacheClient.maxAttempts',
    'deviceCacheClient.hegde',
    'deviceCacheClient.logger',
    'deviceCacheClient.policies',
    'deviceCacheClient.nearCache.ttl',
  ]);
});

describe('the environment', () => {
  it('says where the devices are, and how to ask', () => {
    expect(
      settingsFromEnvironment({
        DEVICE_CACHE_REDIS_HOST: 'cache',
        DEVICE_CACHE_REDIS_PORT: '6380',
        DEVICE_CACHE_REDIS_PASSWORD: 'x',
        DEVICE_CACHE_REDIS_DB: '2',
        DEVICE_CACHE_SOCKET_TIMEOUT: '1.5s',
        DEVICE_CACHE_MAX_ATTEMPTS: '5',
        DEVICE_CACHE_HEDGE: 'false',
        DEVICE_CACHE_KEY_PREFIX: 'eu:',
        DEVICE_CACHE_TOKEN: '',
      }),
    ).toEqual({
      target: { host: 'cache', port: 6380, password: 'x', db: 2 },
      options: { socketTimeoutMs: 1_500, maxAttempts: 5, hedge: false, keys: { prefix: 'eu:' } },
    });
  });

  it('makes a client, over whose options those of the program go', async () => {
    const service = new MemoryService();
    service.ingest(reading({ device: 'a' }));
    const client = DeviceCacheClient.fromEnvironment(
      { fetch: service.fetch },
      { DEVICE_CACHE_URL: 'http://devices.example', DEVICE_CACHE_TOKEN: 'x', DEVICE_CACHE_HTTP_TIMEOUT: '2s' },
    );
    expect(await client.getDevice('a')).toMatchObject({ id: 'a' });
    expect(service.requests[0]?.headers.get('authorization')).toBe('Bearer x');
    await client.close();
  });

  it('is refused with all its faults, and without what a secret is', () => {
    const wrong = {
      DEVICE_CACHE_HTTP_TIMEOUT: '10',
      DEVICE_CACHE_HEDGE: 'yes',
      DEVICE_CACHE_REDIS_PORT: 'x',
      DEVICE_CACHE_TOKEN: 'hunter2',
      DEVICE_CACHE_TOKEN_FILE: '/run/secrets/token',
    };
    expect(() => settingsFromEnvironment(wrong)).toThrow(/HTTP_TIMEOUT[\s\S]*/);
    try {
      settingsFromEnvironment(wrong);
    } catch (error) {
      const { faults, message } = error as ConfigurationError;
      expect(faults.map(({ path }) => path).toSorted()).toEqual([
        'DEVICE_CACHE_HEDGE',
        'DEVICE_CACHE_HTTP_TIMEOUT',
        'DEVICE_CACHE_REDIS_PORT',
        'DEVICE_CACHE_TOKEN_FILE',
      ]);
      expect(message).not.toContain('hunter2');
    }
  });
});

describe('configure', () => {
  it('changes one thing and leaves the others', async () => {
    const { client, service } = clientUnderTest({ headers: { 'x-team': 'weather' } });
    service.ingest(reading({ device: 'a' }));
    client.configure({ token: 'another' });
    await client.getDevice('a');
    expect(service.requests[0]?.headers.get('authorization')).toBe('Bearer another');
    expect(service.requests[0]?.headers.get('x-team')).toBe('weather');
  });

  it('lets calls that run end as they began', async () => {
    const test = clientUnderTest();
    const other = new MemoryService();
    test.service.ingest(reading({ device: 'a', values: [1] }));
    other.ingest(reading({ device: 'a', values: [2] }));
    let answer: () => void = () => undefined;
    const response = await test.service.fetch('http://devices.example/v1/devices/a');
    test.service.interfere = () => new Promise((resolve) => (answer = () => resolve(response)));
    const before = test.client.getDevice('a');
    test.client.configure({ url: 'http://other.example', fetch: other.fetch });
    const after = await test.client.getDevice('a');
    answer();
    expect((await before).readings[0]?.values).toEqual([1]);
    expect(after.readings[0]?.values).toEqual([2]);
    await test.client.close();
  });

  it('changes nothing when something in it can not be meant', async () => {
    const { client, service } = clientUnderTest();
    service.ingest(reading({ device: 'a' }));
    expect(() => client.configure({ token: 'another', httpTimeoutMs: -1 })).toThrow(ConfigurationError);
    await client.getDevice('a');
    expect(service.requests[0]?.headers.get('authorization')).toBe('Bearer secret-token');
  });

  it('takes another target as a whole: a token of the old one is not sent to the new one', async () => {
    const { client, service } = clientUnderTest();
    service.ingest(reading({ device: 'a' }));
    client.configure({ url: 'http://other.example' });
    await client.getDevice('a');
    expect(service.requests[0]?.headers.get('authorization')).toBeNull();
    expect(await rejection((async () => client.configure({ host: 'localhost', url: 'http://x' }))())).toBeInstanceOf(
      ConfigurationError,
    );
  });
});
