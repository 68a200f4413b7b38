/** What the Dockerfile and the compose file say, done outside of Docker. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { redisMissing, RedisServer } from '../../../core/test/cache/redis-server.ts';
import { loadConfiguration } from '../../src/config/load-configuration.ts';
import { reading } from '../../src/store/test-support/readings.ts';
import { KafkaBroker } from '../test-support/kafka-broker/broker.ts';
import { TopicWriter } from '../test-support/producer.ts';
import { ServiceProcess } from '../test-support/service-process.ts';

const home = join(import.meta.dirname, '../..');
const root = join(home, '../..');
const isLong = (process.env['BREAKWATER_LONG'] ?? '') !== '';

const dockerfile = readFileSync(join(home, 'Dockerfile'), 'utf8');
const [building = '', running = ''] = dockerfile.split(/^FROM .*$/m).slice(1);
const runs = (stage: string): readonly string[] => [...stage.matchAll(/^RUN (.*)$/gm)].map((match) => match[1]!);
const healthCheck = /^HEALTHCHECK .*? CMD (.*)$/m.exec(running)![1]!;

async function exitCodeOf(command: string, env: NodeJS.ProcessEnv): Promise<number> {
  const [code] = (await once(spawn('sh', ['-c', command], { env }), 'exit')) as [number];
  return code;
}

const compose = parse(readFileSync(join(home, 'compose.yaml'), 'utf8')) as {
  readonly services: Readonly<Record<string, { readonly environment: Readonly<Record<string, string>> }>>;
};
const secrets = { READ_TOKEN: 'read-token-of-the-test', WRITE_TOKEN: 'write-token-of-the-test' };
const environment = Object.fromEntries(
  Object.entries(compose.services['device-cache']!.environment).map(([name, value]) => [
    name,
    value.replaceAll(/\$\{(\w+):[^}]*\}/g, (_, secret: keyof typeof secrets) => secrets[secret]),
  ]),
);

describe('the compose file', () => {
  it('configures the service without a fault, and with tokens', () => {
    const { configuration } = loadConfiguration({ env: { ...environment, API_HOST: '0.0.0.0' } });
    expect(configuration.api.tokens.map(({ name }) => name)).toEqual(['reader', 'writer']);
    expect(configuration).toMatchObject({
      redis: { url: 'redis://redis:6379/0' },
      kafka: { bootstrapServers: ['kafka:9092'] },
    });
  });

  it.skipIf(redisMissing !== undefined)(
    'describes a service that reads its Kafka, keeps in its Redis, and is healthy',
    async () => {
      const [broker, redis] = [await KafkaBroker.start(), await RedisServer.start()];
      const servers = { KAFKA_BOOTSTRAP_SERVERS: broker.address, REDIS_URL: `redis://127.0.0.1:${redis.port}/0` };
      const service = await ServiceProcess.start({ ...environment, ...servers });
      const writer = new TopicWriter(broker.address, environment['KAFKA_VALIDATED_DATA_TOPIC']!);
      await writer.send([{ key: 'station_123', value: JSON.stringify(reading('station_123')) }]);
      const headers = { authorization: `Bearer ${secrets.READ_TOKEN}` };
      const status = (): Promise<number> =>
        fetch(`${service.url}/v1/devices/station_123`, { headers }).then((answer) => answer.status);
      await expect.poll(status, { timeout: 30_000 }).toBe(200);
      const env = { ...process.env, API_PORT: new URL(service.url).port };
      // As Docker does, until it is well: the first device may be there before the service has caught up with its topic.
      await expect.poll(() => exitCodeOf(healthCheck, env), { timeout: 30_000 }).toBe(0);
      expect(await service.end()).toBe(0);
      expect(await exitCodeOf(healthCheck, env)).toBe(1);
      await writer.close();
      await broker.stop();
      await redis.stop();
    },
  );
});

describe('the Dockerfile', () => {
  it('starts a program that is part of the package', () => {
    const [, program] = JSON.parse(/^CMD (.*)$/m.exec(running)![1]!) as [string, string];
    expect(existsSync(program.replace('node_modules/@breakwater/device-cache', home))).toBe(true);
  });

  it.runIf(isLong)('builds the service from the sources alone, step by step', { timeout: 1_200_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'device-cache-image-'));
    try {
      const shell = (command: string, cwd: string): void => {
        const done = spawnSync('sh', ['-c', command], { cwd, encoding: 'utf8' });
        expect(done.status, `${command}\n${done.stdout}${done.stderr}`).toBe(0);
      };
      shell(`git ls-files -z | tar --null -T - -cf - | tar -xf - -C ${folder}`, root);
      for (const step of runs(building)) shell(step, folder);
      const installed = join(folder, 'installed');
      for (const step of runs(running)) shell(step.replace(/ && chown .*/, ''), installed);
      const service = spawnSync(
        'node',
        ['node_modules/@breakwater/device-cache/bin/breakwater-device-cache.js', '--help'],
        {
          cwd: installed,
          encoding: 'utf8',
        },
      );
      expect(service.stdout).toContain('--config');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
