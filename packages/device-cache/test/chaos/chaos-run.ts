/** A service on a real Redis and a broker, to which at seeded moments everything happens that can. */
import { seededRandom, type Random } from 'breakwater/clock';
import { Redis } from 'ioredis';
import { RedisServer } from '../../../core/test/cache/redis-server.ts';
import { type BuriedMessage, readDeadLetters } from '../test-support/dead-letter-topic.ts';
import { KafkaBroker } from '../test-support/kafka-broker/broker.ts';
import { TopicWriter } from '../test-support/producer.ts';
import { ServiceProcess } from '../test-support/service-process.ts';
import { heldReadings } from './held-readings.ts';
import { type Ledger, readLedger } from './ledger.ts';
import { Traffic } from './traffic.ts';

const TOPIC = 'iot_validated_data';
const ERRORS = 'iot_errors';
const GROUP = 'cache_service_group';
const DEVICES = 40;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How it ended. */
export interface ChaosResult {
  readonly ledger: Ledger;
  readonly held: ReadonlyMap<string, unknown>;
  readonly buried: readonly BuriedMessage[];
  readonly ends: readonly bigint[];
  readonly committed: readonly (bigint | undefined)[];
  /** What was done, for who has to understand a failure. */
  readonly actions: readonly string[];
  /** What the service said last, and how it is. */
  readonly said: string;
}

export async function chaosRun(seed: number, moments: number): Promise<ChaosResult> {
  const scene = await Scene.open(seed);
  try {
    for (let moment = 0; moment < moments; moment++) await scene.moment();
    return await scene.settle();
  } finally {
    await scene.close();
  }
}

class Scene {
  private readonly random: Random;
  private readonly broker: KafkaBroker;
  private readonly redis: RedisServer;
  private readonly writer: TopicWriter;
  private readonly actions: string[] = [];
  private service: ServiceProcess | undefined = undefined;
  private second: ServiceProcess | undefined = undefined;
  private readonly traffic: Traffic;

  private constructor(seed: number, broker: KafkaBroker, redis: RedisServer) {
    this.random = seededRandom(seed);
    this.traffic = new Traffic(this.random, DEVICES);
    this.broker = broker;
    this.redis = redis;
    this.writer = new TopicWriter(broker.address, TOPIC);
  }

  static async open(seed: number): Promise<Scene> {
    const broker = await KafkaBroker.start(4);
    broker.createTopic(TOPIC);
    broker.createTopic(ERRORS);
    const scene = new Scene(seed, broker, await RedisServer.start());
    scene.service = await scene.start();
    return scene;
  }

  /** Messages are sent while something happens. */
  async moment(): Promise<void> {
    const names = Object.keys(this.happenings) as (keyof typeof this.happenings)[];
    const name = names[Math.floor(this.random.next() * names.length)]!;
    this.actions.push(name);
    await Promise.all([this.send(), pause(this.random.next() * 40).then(() => this.happenings[name]())]);
    await this.send();
  }

  /** Lets everything come to rest, and looks what is there. */
  async settle(): Promise<ChaosResult> {
    this.redis.signal('SIGCONT');
    await this.second?.end('SIGTERM');
    this.second = undefined;
    const ledger = await readLedger(this.broker.address, TOPIC);
    const ends = this.broker.ends(TOPIC);
    let [held, committed] = [await this.held(), this.broker.committed(GROUP, TOPIC)];
    for (let tries = 0; tries < 400 && !(isSame(held, ledger.latest) && isAt(committed, ends)); tries++) {
      await pause(100);
      [held, committed] = [await this.held(), this.broker.committed(GROUP, TOPIC)];
    }
    const buried = await readDeadLetters(this.broker.address, ERRORS);
    const health = await fetch(`${this.service?.url}/v1/health`).then((answer) => answer.text());
    const said = `${health}\n${this.service?.log}`;
    return { ledger, held, buried, ends, committed, actions: this.actions, said };
  }

  async close(): Promise<void> {
    this.redis.signal('SIGCONT');
    await this.service?.end('SIGKILL');
    await this.second?.end('SIGKILL');
    await this.writer.close();
    await this.broker.stop();
    await this.redis.stop();
  }

  private readonly happenings = {
    'kill -9 of the service': async () => {
      await this.service?.end('SIGKILL');
      this.service = await this.start();
    },
    'restart of the service': async () => {
      await this.service?.end('SIGTERM');
      this.service = await this.start();
    },
    'Redis stands still': async () => {
      this.redis.signal('SIGSTOP');
      await pause(500);
      this.redis.signal('SIGCONT');
    },
    'Redis is killed and comes back empty': async () => {
      await this.redis.stop();
      await pause(100);
      await this.redis.start();
    },
    FLUSHALL: async () => {
      const client = new Redis(this.redis.port, '127.0.0.1');
      await client.flushall();
      client.disconnect();
    },
    'connections to the broker are cut': () => {
      this.broker.dropConnections();
      return Promise.resolve();
    },
    'a second member comes': async () => {
      this.second ??= await this.start();
    },
    'the second member is killed': async () => {
      await this.second?.end('SIGKILL');
      this.second = undefined;
    },
    'the second member leaves': async () => {
      await this.second?.end('SIGTERM');
      this.second = undefined;
    },
  };

  private start(): Promise<ServiceProcess> {
    return ServiceProcess.start({
      KAFKA_BOOTSTRAP_SERVERS: this.broker.address,
      KAFKA_SESSION_TIMEOUT_MS: '1500',
      KAFKA_BATCH_SIZE: '20',
      REDIS_URL: `redis://127.0.0.1:${this.redis.port}`,
      REDIS_TIMEOUT_MS: '300',
    });
  }

  private async send(): Promise<void> {
    await this.writer.send(this.traffic.next(10 + Math.floor(this.random.next() * 30)));
  }

  private held(): Promise<ReadonlyMap<string, unknown>> {
    return heldReadings(this.service?.url ?? '', this.traffic.ids).catch((error: unknown) => {
      throw new Error(`the service is gone: ${this.service?.log}`, { cause: error });
    });
  }
}

function isSame(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}

function isAt(committed: readonly (bigint | undefined)[], ends: readonly bigint[]): boolean {
  return ends.every((end, partition) => (committed[partition] ?? 0n) === end);
}
