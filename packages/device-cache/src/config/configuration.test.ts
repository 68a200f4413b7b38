import { ConfigurationError } from 'breakwater/errors';
import { describe, expect, it } from 'vitest';
import { type ConfigurationSources, loadConfiguration } from './load-configuration.ts';
import { changedSettings, shownConfiguration } from './show-configuration.ts';

function faultsOf(sources: ConfigurationSources): readonly string[] {
  try {
    loadConfiguration(sources);
    return [];
  } catch (error) {
    return (error as ConfigurationError).faults.map(({ path }) => path);
  }
}

describe('the configuration', () => {
  it('needs nothing: the embedded store on a local port', () => {
    const { configuration } = loadConfiguration({});
    expect(configuration).toMatchObject({
      api: { host: '127.0.0.1', port: 8080, tokens: [], corsOrigins: [] },
      store: { path: 'data/devices.sqlite', ttlSeconds: 86_400 },
      redis: undefined,
      kafka: undefined,
      log: { level: 'info' },
    });
  });

  it('takes arguments before the environment, and the environment before the file', () => {
    const file = { api: { port: 1, host: 'file' }, log: { level: 'warn' } };
    const env = { API_PORT: '2', API_HOST: 'env' };
    const { configuration } = loadConfiguration({ file, env, args: ['--port', '3'] });
    expect(configuration.api).toMatchObject({ port: 3, host: 'env' });
    expect(configuration.log.level).toBe('warn');
  });

  it('knows the names of the environment', () => {
    const env = {
      KAFKA_BOOTSTRAP_SERVERS: 'k1:9092, k2:9092',
      KAFKA_VALIDATED_DATA_TOPIC: 'data',
      KAFKA_ERROR_TOPIC: 'errors',
      KAFKA_CONSUMER_GROUP_ID: 'group',
      REDIS_HOST: 'redis',
      REDIS_PORT: '6380',
      REDIS_DB: '2',
      REDIS_PASSWORD: 'p@ss',
      REDIS_METADATA_TTL: '60',
      LOG_LEVEL: 'debug',
      API_HOST: '0.0.0.0',
      API_PORT: '9000',
      API_TOKENS: 'reader:read:0123456789abcdef,writer:read+write:fedcba9876543210:x',
    };
    const { configuration } = loadConfiguration({ env });
    expect(configuration).toMatchObject({
      kafka: { bootstrapServers: ['k1:9092', 'k2:9092'], topic: 'data', errorTopic: 'errors', groupId: 'group' },
      redis: { url: 'redis://:p%40ss@redis:6380/2' },
      store: { ttlSeconds: 60 },
      log: { level: 'debug' },
      api: {
        host: '0.0.0.0',
        port: 9000,
        tokens: [
          { name: 'reader', scopes: ['read'], token: '0123456789abcdef' },
          { name: 'writer', scopes: ['read', 'write'], token: 'fedcba9876543210:x' },
        ],
      },
    });
    expect(loadConfiguration({ env: { REDIS_URL: 'rediss://h:1/3' } }).configuration.redis?.url).toBe('rediss://h:1/3');
  });

  it('tells of all faults at once, wherever they are', () => {
    const faults = faultsOf({
      file: { api: { prot: 1, host: '' }, kafak: {}, store: { ttlSeconds: -1 } },
      env: { API_PORT: 'eighty', LOG_LEVEL: 'loud', API_TOKENS: 'a:read:short,a:fly:0123456789abcdef' },
      args: ['--prot', '--store'],
    });
    expect(faults.toSorted()).toEqual(
      [
        '--prot',
        'API_PORT',
        'API_TOKENS.0.token',
        'API_TOKENS.1.scopes',
        'LOG_LEVEL',
        'api.host',
        'api.prot',
        'kafak',
        'store.ttlSeconds',
        '--store',
      ].toSorted(),
    );
  });

  it('has hints for names that are nearly right', () => {
    expect(() => loadConfiguration({ file: { api: { prot: 1 } } })).toThrow(/did you mean api.port/);
    expect(() => loadConfiguration({ args: ['--prot=1'] })).toThrow(/did you mean --port/);
  });

  it('never shows a secret, neither as it is nor in a fault', () => {
    const env = {
      REDIS_URL: 'redis://:hunter2@h:1',
      REDIS_PASSWORD: 'hunter2',
      KAFKA_PASSWORD: 'hunter2',
      API_TOKENS: 'a:read:hunter2-hunter2-hunter2',
    };
    expect(JSON.stringify(shownConfiguration(loadConfiguration({ env }).values))).not.toContain('hunter2');
    for (const bad of [{ REDIS_URL: 'hunter2' }, { API_TOKENS: 'a:read:hunter2' }]) {
      expect(() => loadConfiguration({ env: bad })).toThrow(/^(?!.*hunter2)/s);
    }
  });

  it('knows what takes effect while the service runs', () => {
    const before = loadConfiguration({}).values;
    const after = loadConfiguration({ env: { LOG_LEVEL: 'warn', API_PORT: '1' } }).values;
    expect(changedSettings(before, after)).toEqual([
      { path: 'api.port', isLive: false },
      { path: 'log.level', isLive: true },
    ]);
  });
});
