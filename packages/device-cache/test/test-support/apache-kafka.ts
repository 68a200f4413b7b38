/** A real Apache Kafka of the test's own: one node in KRaft mode with a small heap, on free ports, in a private folder. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../core/test/cache/redis-server.ts';

const jars = join(import.meta.dirname, '../../../../.cache/kafka/lib');

/** Why there is none; undefined when there is. */
export const kafkaMissing: string | undefined = existsSync(jars)
  ? undefined
  : 'Apache Kafka was not brought: npm run test:kafka';

const heap = ['-Xmx384m', '-Xms128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

/** What a Kafka is started with beside what every one has. */
export interface KafkaExtras {
  /** By name; they go before what would stand there. */
  readonly settings: Readonly<Record<string, string>>;
  /** Arguments with which its folder is made: users with passwords. */
  readonly format: readonly string[];
}

const NOTHING_MORE: KafkaExtras = { settings: {}, format: [] };

export class ApacheKafka {
  readonly port: number;
  private readonly folder: string;
  private readonly process: ChildProcess;

  private constructor(port: number, folder: string, process: ChildProcess) {
    this.port = port;
    this.folder = folder;
    this.process = process;
  }

  /** @param extras Made for the port on which it listens. */
  static async start(extras: (port: number) => KafkaExtras = () => NOTHING_MORE): Promise<ApacheKafka> {
    const folder = mkdtempSync(join(tmpdir(), 'apache-kafka-'));
    const [port, controller] = [await freePort(), await freePort()];
    const more = extras(port);
    const properties = join(folder, 'server.properties');
    writeFileSync(properties, settings(folder, port, controller, more.settings));
    const java = ['-cp', join(jars, '*'), ...heap];
    const cluster = randomBytes(16).toString('base64url');
    const formatted = spawnSync(
      'java',
      [...java, 'kafka.tools.StorageTool', 'format', '-t', cluster, '-c', properties, ...more.format],
      {
        encoding: 'utf8',
      },
    );
    if (formatted.status !== 0)
      throw new Error(`Kafka's folder could not be made: ${formatted.stdout}${formatted.stderr}`);
    const child = spawn('java', [...java, 'kafka.Kafka', properties], { stdio: 'ignore' });
    for (let tries = 0; !(await accepts(port)); tries++) {
      if (tries > 600 || child.exitCode !== null) throw new Error('Kafka does not listen');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return new ApacheKafka(port, folder, child);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    const exited = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function settings(folder: string, port: number, controller: number, more: KafkaExtras['settings']): string {
  const own = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'logs'),
    'num.partitions': 3,
    'offsets.topic.num.partitions': 3,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
    'auto.create.topics.enable': true,
  };
  const listeners = [more['listeners'], `CONTROLLER://127.0.0.1:${controller}`].join(',');
  const all = more['listeners'] === undefined ? own : { ...own, ...more, listeners };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
