/** Service and client on a Redis with TLS and a user with a password, with a certificate of its owner's making. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, redisMissing, RedisServer } from '../../../core/test/cache/redis-server.ts';
import { certificateMissing, selfSigned } from '../test-support/certificate.ts';
import { ServiceProcess } from '../test-support/service-process.ts';

const PASSWORD = 'of-the-test';
const cli = join(import.meta.dirname, '../../../cli/bin/breakwater.js');

/** A Redis that was built without TLS ends at once, since it does not know the setting. */
const knowsTls = (): boolean =>
  spawnSync('redis-server', ['--port', '0', '--tls-port', '0'], { timeout: 500 }).status === null;
const isMissing = (redisMissing ?? certificateMissing) !== undefined || !knowsTls();

describe.skipIf(isMissing)('a Redis with TLS', () => {
  let folder: string;
  let redis: RedisServer;
  let url: string;
  let trusting: Readonly<Record<string, string>>;
  let service: ServiceProcess | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'redis-tls-'));
    const { certificate, key } = selfSigned(folder);
    const tlsPort = await freePort();
    redis = await RedisServer.start([
      ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'],
      ...['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate],
      ...['--user', 'station', 'on', `>${PASSWORD}`, '~*', '&*', '+@all'],
    ]);
    url = `rediss://station:${PASSWORD}@127.0.0.1:${tlsPort}/0`;
    trusting = { NODE_EXTRA_CA_CERTS: certificate };
  });
  afterAll(async () => {
    await service?.end('SIGKILL');
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (more: Readonly<Record<string, string>>): Promise<ServiceProcess> =>
    (service = await ServiceProcess.start({ REDIS_URL: url, DEAD_LETTER_FILE: join(folder, 'dead.jsonl'), ...more }));

  it('keeps the devices of the service, which a client reads there directly', { timeout: 60_000 }, async () => {
    const running = await start(trusting);
    const put = await fetch(`${running.url}/v1/devices/s1`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ metadata: { name: 'Roof' } }),
    });
    expect(put.status, running.log).toBe(201);
    const client = spawn(process.execPath, [cli, 'devices', 'get', 's1', '--json', '--url', url], {
      env: { PATH: process.env['PATH'] ?? '', ...trusting },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    client.stdout.on('data', (text) => {
      said += String(text);
    });
    expect(await once(client, 'close')).toEqual([0, null]);
    expect(JSON.parse(said)).toMatchObject({ id: 's1', metadata: { name: 'Roof' } });
    expect(await running.end()).toBe(0);
  });

  it(
    'is away for a service that does not know its certificate, which says so and tells no password',
    { timeout: 60_000 },
    async () => {
      const running = await start({ LOG_LEVEL: 'debug' });
      const health = await fetch(`${running.url}/v1/health`);
      const text = await health.text();
      expect([health.status, text]).toEqual([503, expect.stringContaining('"component":"store","status":"unhealthy"')]);
      expect(text + running.log).not.toContain(PASSWORD);
      expect(running.log).toContain('self-signed certificate');
      expect(await running.end()).toBe(0);
    },
  );
});
