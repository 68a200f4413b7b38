/** `breakwater devices` as its users start it, against the service of the client's tests. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../core/test/cache/redis-server.ts';
import { readingOfStation as reading } from '../../device-client/src/test-support/readings.ts';
import { type CacheUnderTest, overHttp } from '../../device-client/test/test-support/transports.ts';
import { type Ended, start, temporaryFolder } from './programs.ts';

let cache: CacheUnderTest & { readonly url: string };
const folder = temporaryFolder();
beforeAll(async () => {
  cache = await overHttp();
});
beforeEach(() => cache.clear());
afterAll(async () => {
  folder.remove();
  await cache.stop();
});

const devices = (args: readonly string[], more: Parameters<typeof start>[1] = {}): Promise<Ended> =>
  start(['devices', ...args], { ...more, env: { DEVICE_CACHE_URL: cache.url, ...more.env } }).ended;
const jsonLines = ({ stdout }: Ended): unknown[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

describe('breakwater devices', () => {
  it('list shows a table, or a device on each line as JSON, and where it goes on', async () => {
    await cache.ingest(reading({ device: 'a' }), reading({ device: 'b' }), reading({ device: 'c', category: 'M' }));
    const shown = await devices(['list', '--limit', '2']);
    expect(shown.stdout).toMatch(/^ID +UPDATED .*\na .*\nb .*\n$/);
    expect(shown.code).toBe(0);
    const cursor = /--cursor '(.+?)'/.exec(shown.stderr)?.[1];
    const rest = await devices(['list', '--cursor', cursor!, '--json']);
    expect(jsonLines(rest)).toMatchObject([{ id: 'c', categories: ['M'] }]);
    expect(rest.stderr).toBe('');
    expect(jsonLines(await devices(['list', '--category', 'P', '--sort', '-id', '--json']))).toMatchObject([
      { id: 'b' },
      { id: 'a' },
    ]);
  });

  it('get shows a device with its readings, and ends with 4 when one is missing', async () => {
    await cache.ingest(reading({ device: 'a', index: 'T' }), reading({ device: 'a', index: 'U' }));
    const shown = await devices(['get', 'a', 'nobody', '--index', 'U']);
    expect(shown.stdout).toMatch(/device +a\n/);
    expect(shown.stdout).toMatch(/\nP +U +Temperature +25\.5 +Celsius/);
    expect(shown.stderr).toBe('error: there is no device nobody\n');
    expect(shown.code).toBe(4);
    expect(jsonLines(await devices(['get', 'a', '--json']))).toMatchObject([{ id: 'a', readingCount: 2 }]);
  });

  it('put takes metadata as an argument, from standard input, and from a file for many', async () => {
    expect((await devices(['put', 'a', '{"name":"Roof"}'])).stdout).toContain('{"name":"Roof"}');
    await devices(['put', 'b', '-'], { input: '{"name":"Hall"}' });
    const file = folder.path('stations.jsonl');
    writeFileSync(file, '{"id":"c","metadata":{"n":1}}\n\n{"id":"d","metadata":{}}\n');
    expect(jsonLines(await devices(['put', '--file', file, '--json']))).toMatchObject([{ id: 'c' }, { id: 'd' }]);
    expect(jsonLines(await devices(['get', 'a', 'b', 'c', '--json']))).toMatchObject([
      { metadata: { name: 'Roof' } },
      { metadata: { name: 'Hall' } },
      { metadata: { n: 1 } },
    ]);
  });

  it.each([
    [['put', 'a'], /takes metadata/],
    [['put', '../a', '{}'], /devices\.0\.id/],
    [['list', '--cursor', 'x', '--offset', '1'], /offset/],
    [['list', '--sort', 'name'], /Allowed choices are id, -id, lastUpdated, -lastUpdated/],
  ])('%j is a wrong command line, and says why', async (args, why) => {
    const ended = await devices(args);
    expect(ended.stderr).toMatch(why);
    expect(ended.code).toBe(1);
  });

  it('watch shows changes until it has seen enough', async () => {
    const { process: child, ended } = start(['devices', 'watch', '-n', '2', '--json'], {
      env: { DEVICE_CACHE_URL: cache.url },
    });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    await cache.ingest(reading({ device: 'a' }), reading({ device: 'b' }));
    expect(jsonLines(await ended)).toMatchObject([{ type: 'ready' }, { deviceId: 'a' }, { deviceId: 'b' }]);
    expect((await ended).code).toBe(0);
  });

  it('watch ends in order at SIGINT', async () => {
    const { process: child, ended } = start(['devices', 'watch'], { env: { DEVICE_CACHE_URL: cache.url } });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('info and health show what the cache says', async () => {
    await cache.ingest(reading({ device: 'a' }));
    expect((await devices(['info'])).stdout).toMatch(/devices +1\n/);
    expect(await devices(['health'])).toMatchObject({ stdout: 'healthy\n', code: 0 });
  });

  it('ends with 3 where no cache is, and shows neither token nor stack', async () => {
    const env = { DEVICE_CACHE_URL: `http://127.0.0.1:${await freePort()}`, DEVICE_CACHE_TOKEN: 'hunter2' };
    const health = await devices(['health', '--json'], { env });
    expect(jsonLines(health)).toMatchObject([{ status: 'unhealthy', causes: [{ component: 'http' }] }]);
    expect(health.code).toBe(3);
    const got = await devices(['get', 'a', '--timeout', '2s'], { env });
    expect(got.code).toBe(3);
    expect(got.stderr).toMatch(
      /^error: getDevices: the device cache could not be reached \(NETWORK_REFUSED\); asked was http:\/\/127\.0\.0\.1:\d+\n$/,
    );
  });

  it('wants the variable that --token-env names, and a target that there is', async () => {
    expect(await devices(['info', '--token-env', 'NO_SUCH_VARIABLE'])).toMatchObject({ code: 5 });
    const wrong = await devices(['info', '--url', 'mysql://admin:hunter2@db']);
    expect(wrong.code).toBe(5);
    expect(wrong.stderr).toMatch(/connectionString/);
    expect(wrong.stderr).not.toContain('hunter2');
  });

  it('has help that names its commands, its variables and its exit codes', async () => {
    const { stdout, code } = await devices(['--help']);
    for (const word of ['list', 'get', 'put', 'watch', 'info', 'health', 'DEVICE_CACHE_URL', 'Exit codes']) {
      expect(stdout).toContain(word);
    }
    expect(code).toBe(0);
  });
});
