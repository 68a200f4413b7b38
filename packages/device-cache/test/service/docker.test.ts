/** What the Dockerfile and the compose file say, done outside of Docker. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { freePort, redisMissing, RedisServer } from '../../../core/test/cache/redis-server.ts';
import { loadConfiguration } from '../../src/config/load-configuration.ts';
import { reading } from '../../src/store/test-support/readings.ts';
import { KafkaBroker } from '../test-support/kafka-broker/broker.ts';
import { TopicWriter } from '../test-support/producer.ts';
import { ServiceProcess } from '../test-support/service-process.ts';

const home = join(import.meta.dirname, '../..');
const root = join(home, '../..');
const isLong = (process.env['BREAKWATER_LONG'] ?? '') !== '';
const withPackages = isLong ? '' : ', with the packages that are here';
const noRegistry = spawnSync('npm', ['ping']).status !== 0;

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
  it('copies nothing into the image that git ignores', () => {
    const lines = (path: string): readonly string[] => readFileSync(path, 'utf8').trim().split('\n');
    const ignored = lines(join(root, '.gitignore')).map((line) => line.replace(/\/$/, ''));
    const left = lines(join(home, 'Dockerfile.dockerignore')).map((line) => line.replace('**/', ''));
    expect(ignored.filter((name) => !left.includes(name))).toEqual([]);
  });

  it.skipIf(noRegistry)(
    `builds the service from the sources alone, step by step, starts it and finds it healthy${withPackages}`,
    { timeout: 1_200_000 },
    async () => {
      const [build, image] = [mkdtempSync(join(tmpdir(), 'image-build-')), mkdtempSync(join(tmpdir(), 'image-'))];
      try {
        await shell(`git ls-files -z | tar --null -T - -cf - | tar -xf - -C ${build}`, root);
        for (const step of runs(building)) {
          if (!isLong && step.startsWith('npm ci ')) linkPackages(build);
          else await shell(step, build);
        }
        const [, from] = /^COPY --from=build \/build\/(\S+) \.\/$/m.exec(running)!;
        cpSync(join(build, from!), image, { recursive: true });
        // The user of the image is not one of this machine; whoever runs this stands for it, and starts the service below.
        for (const step of runs(running)) await shell(step.replace('chown node', `chown ${process.getuid!()}`), image);
        await startsAndIsHealthy(image);
      } finally {
        for (const folder of [build, image]) rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});

/** Starts what the image would start, where it would, and asks as Docker would. */
async function startsAndIsHealthy(image: string): Promise<void> {
  const [command, ...args] = JSON.parse(/^CMD (.*)$/m.exec(running)![1]!) as string[];
  const env = { ...process.env, API_HOST: '127.0.0.1', API_PORT: String(await freePort()), LOG_LEVEL: 'warn' };
  expect(/^ENV (.*)$/m.exec(running)![1]!.replaceAll(/=\S+/g, '').split(' ')).toEqual(['API_HOST', 'API_PORT']);
  const service = spawn(command!, args, { cwd: image, env, stdio: 'inherit' });
  const ended = once(service, 'exit');
  try {
    await expect.poll(() => exitCodeOf(healthCheck, env), { timeout: 30_000 }).toBe(0);
  } finally {
    service.kill('SIGTERM');
  }
  expect(await ended).toEqual([0, null]);
}

/** Stands for `npm ci`: the packages of this workspace, which the lock file has brought, but none of its own packages. */
function linkPackages(folder: string): void {
  const link = (name: string): void => {
    const [from, to] = [join(root, 'node_modules', name), join(folder, 'node_modules', name)];
    mkdirSync(dirname(to), { recursive: true });
    const own = relative(root, realpathSync(from));
    symlinkSync(own.startsWith('packages') ? join(folder, own) : from, to);
  };
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '@breakwater') for (const own of readdirSync(join(root, 'node_modules', name))) link(join(name, own));
    else link(name);
  }
}

async function shell(command: string, cwd: string): Promise<void> {
  const child = spawn('sh', ['-c', command], { cwd, env: { ...process.env, npm_config_prefer_offline: 'true' } });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  const [code] = (await once(child, 'close')) as [number];
  expect(code, `${command}\n${said}`).toBe(0);
}
