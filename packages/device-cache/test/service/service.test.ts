/** The service as a program: it starts with nothing, survives kill -9, reloads, and shuts down in order. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reading } from '../../src/store/test-support/readings.ts';
import { ServiceProcess } from '../test-support/service-process.ts';

describe('the program', () => {
  let folder: string;
  let service: ServiceProcess | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'device-service-'));
  });
  afterEach(async () => {
    await service?.end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(
    env: Readonly<Record<string, string>> = {},
    args: readonly string[] = [],
  ): Promise<ServiceProcess> {
    const own = { STORE_PATH: join(folder, 'devices.sqlite'), DEAD_LETTER_FILE: join(folder, 'dead.jsonl') };
    service = await ServiceProcess.start({ ...own, ...env }, args);
    return service;
  }

  const put = (url: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`${url}/v1/readings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  it('runs on its embedded store, and has after kill -9 whatever it has confirmed', async () => {
    const first = await start();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => put(first.url, reading(`d${at}`))));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await first.end('SIGKILL');
    const second = await start();
    const page = (await (await fetch(`${second.url}/v1/devices?limit=1000`)).json()) as { devices: object[] };
    expect(page.devices).toHaveLength(50);
  });

  it('ends with 0 at SIGTERM, after what was under way has been answered', async () => {
    const running = await start();
    const asked = Promise.allSettled(Array.from({ length: 20 }, (_, at) => put(running.url, reading(`d${at}`))));
    await put(running.url, reading('first'));
    expect(await running.end('SIGTERM')).toBe(0);
    const answers = await asked;
    const confirmed = answers.filter((one) => one.status === 'fulfilled' && one.value.status === 200).length;
    const second = await start();
    const page = (await (await fetch(`${second.url}/v1/devices?limit=1000`)).json()) as { devices: object[] };
    expect(page.devices.length).toBeGreaterThanOrEqual(confirmed);
    expect(confirmed).toBeGreaterThan(0);
  });

  it('begins with the readings of a file, and buries its bad lines', async () => {
    const seed = join(folder, 'seed.jsonl');
    const lines = [reading('s1', { values: [1] }), reading('s1', { values: [2] }), reading('s2')].map((one) =>
      JSON.stringify(one),
    );
    writeFileSync(seed, [lines[0], 'nonsense', lines[1], '', lines[2]].join('\n'));
    const { url } = await start({}, ['--seed', seed]);
    expect(await (await fetch(`${url}/v1/devices/s1`)).json()).toMatchObject({ readings: [{ values: [2] }] });
    expect((await fetch(`${url}/v1/devices/s2`)).status).toBe(200);
    const [letter] = readFileSync(join(folder, 'dead.jsonl'), 'utf8').trim().split('\n');
    expect(JSON.parse(letter!)).toMatchObject({ source: `file:${seed}`, position: 1 });
  });

  it('takes other tokens and limits at SIGHUP, and keeps the old ones where the new have faults', async () => {
    const config = join(folder, 'config.yaml');
    const withToken = (token: string): string =>
      `api:\n  tokens:\n    - { name: a, scopes: [read, write], token: ${token} }\n`;
    writeFileSync(config, withToken('first-token-0123456789'));
    const running = await start({ LOG_LEVEL: 'info' }, ['--config', config]);
    const status = (token: string): Promise<number> =>
      put(running.url, reading('a'), { authorization: `Bearer ${token}` }).then((answer) => answer.status);
    expect(await status('first-token-0123456789')).toBe(200);
    writeFileSync(config, withToken('second-token-0123456789'));
    running.signal('SIGHUP');
    await expect.poll(() => status('second-token-0123456789')).toBe(200);
    expect(await status('first-token-0123456789')).toBe(401);
    writeFileSync(config, 'api: { port: none }');
    running.signal('SIGHUP');
    await expect.poll(() => running.log).toContain('the old one stays');
    expect(await status('second-token-0123456789')).toBe(200);
    expect(running.log).not.toContain('second-token');
  });

  it('ends with 2 and every fault where its configuration has faults', async () => {
    await expect(start({ API_PORT: 'x', LOG_LEVEL: 'loud' })).rejects.toThrow(/ended with 2.*API_PORT.*LOG_LEVEL/s);
  });

  it('ends with 2 where another process has its store open', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(/ended with 2.*another process has it open/s);
    await first.end();
  });
});
