import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from 'breakwater/errors';
import { afterAll, describe, expect, it } from 'vitest';
import { settingsFromEnvironment, settingsFromFile } from '../src/client/settings-sources.ts';
import { DeviceCacheClient } from '../src/index.ts';
import { rejection } from '../src/test-support/clients.ts';

const folder = mkdtempSync(join(tmpdir(), 'device-client-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (text: string): string => {
  const path = join(folder, 'settings.json');
  writeFileSync(path, text);
  return path;
};

describe('a file', () => {
  it('says where the devices are and how to ask, with durations as people write them', () => {
    const settings = { host: 'cache', db: 2, socketTimeoutMs: '1.5s', totalTimeoutMs: 9_000, keys: { prefix: 'eu:' } };
    expect(settingsFromFile(file(JSON.stringify(settings)))).toEqual({
      target: { host: 'cache', db: 2 },
      options: { socketTimeoutMs: 1_500, totalTimeoutMs: 9_000, keys: { prefix: 'eu:' } },
    });
  });

  it('makes a client, over whose options those of the program go', async () => {
    const path = file('{ "url": "http://devices.example", "maxAttempts": 0 }');
    await DeviceCacheClient.fromFile(path, { maxAttempts: 1 }).close();
    expect(() => DeviceCacheClient.fromFile(path)).toThrow(/maxAttempts/);
  });

  it.each([
    ['{', /JSON/],
    ['[]', /an object/],
    ['{ "url": "http://a", "httpTimeoutMs": "soon" }', /httpTimeoutMs/],
    ['{ "url": "http://a", "httpTimeout": 5 }', /did you mean httpTimeoutMs/],
  ])('with %s in it is refused', async (text, why) => {
    const error = await rejection((async () => DeviceCacheClient.fromFile(file(text)))());
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(why);
  });

  it('that is not there is named', () => {
    expect(() => settingsFromFile(join(folder, 'nowhere.json'))).toThrow(/nowhere\.json: expected a file/);
  });
});

it('a token may lie in a file of its own, as secrets do', () => {
  const path = join(folder, 'token');
  writeFileSync(path, 'from-a-file\n');
  const found = settingsFromEnvironment({ DEVICE_CACHE_URL: 'http://a', DEVICE_CACHE_TOKEN_FILE: path });
  expect(found.target).toEqual({ connectionString: 'http://a', token: 'from-a-file' });
  expect(() => settingsFromEnvironment({ DEVICE_CACHE_TOKEN_FILE: join(folder, 'none') })).toThrow(/TOKEN_FILE/);
});
