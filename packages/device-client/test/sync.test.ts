/** The synchronous client in a process of its own: it blocks the thread, and the server must not be on that one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readingOfStation as reading } from '../src/test-support/readings.ts';
import { type CacheUnderTest, overHttp } from './test-support/transports.ts';

const program = fileURLToPath(new URL('./test-support/sync-program.mjs', import.meta.url));
let cache: CacheUnderTest & { readonly url: string };
beforeAll(async () => {
  cache = await overHttp();
});
afterAll(() => cache.stop());

async function run(what: string, ...more: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, [program, what, cache.url, ...more]);
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await once(child, 'close');
  expect(errors).toBe('');
  expect(child.exitCode).toBe(0);
  return JSON.parse(output);
}

it('gives a device at once, and the next one too', async () => {
  await cache.ingest(reading({ device: 'a', values: [1] }), reading({ device: 'b', values: [2] }));
  expect(await run('get', 'a', 'b')).toEqual([[1], [2]]);
});

it('gives all devices over many pages, and a page of them', async () => {
  await cache.clear();
  await cache.ingest(...['a', 'b', 'c', 'd', 'e'].map((device) => reading({ device })));
  expect(await run('list')).toEqual({ all: ['a', 'b', 'c', 'd', 'e'], page: ['b', 'c'] });
});

it('throws the same errors as the client, of their own classes', async () => {
  expect(await run('errors')).toEqual([
    ['DeviceNotFound', 'DEVICE_NOT_FOUND', 'nobody'],
    ['InvalidRequest', 'INVALID_REQUEST', 'id'],
    ['ServiceUnavailable', 'SERVICE_UNAVAILABLE', 'REDIS_CONNECTION'],
    ['ConfigurationError', 'CONFIGURATION', 'deviceCacheClient.url'],
    ['ConfigurationError', 'CONFIGURATION', 'syncDeviceCacheClient.token'],
    ['ClientClosed', 'CLIENT_CLOSED', null],
  ]);
});
