/** The service as processes, on Apache Kafka and a Redis: killed while it reads, joined by a second member, left by it. */
import { seededRandom } from 'breakwater/clock';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { redisMissing, RedisServer } from '../../../core/test/cache/redis-server.ts';
import { heldReadings } from '../chaos/held-readings.ts';
import { readLedger } from '../chaos/ledger.ts';
import { Traffic } from '../chaos/traffic.ts';
import { ApacheKafka, kafkaMissing } from '../test-support/apache-kafka.ts';
import { readDeadLetters } from '../test-support/dead-letter-topic.ts';
import { TopicWriter } from '../test-support/producer.ts';
import { ServiceProcess } from '../test-support/service-process.ts';

const TOPIC = 'iot_validated_data';
const ERRORS = 'iot_errors';
const GROUP = 'cache_service_group';
const CHUNKS = 40;
const LONG = { timeout: 60_000, interval: 200 };

describe.skipIf((kafkaMissing ?? redisMissing) !== undefined)('the service on Apache Kafka', () => {
  let kafka: ApacheKafka;
  let redis: RedisServer;
  let writer: TopicWriter;
  let admin: Admin;
  const services: ServiceProcess[] = [];
  beforeAll(async () => {
    [kafka, redis] = await Promise.all([ApacheKafka.start(), RedisServer.start()]);
    writer = new TopicWriter(kafka.address, TOPIC);
    admin = new Kafka({ clientId: 'auditor', brokers: [kafka.address], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ waitForLeaders: true, topics: [TOPIC, ERRORS].map((topic) => ({ topic })) });
  }, 120_000);
  afterAll(async () => {
    for (const service of services) await service.end('SIGKILL');
    await admin.disconnect();
    await writer.close();
    await redis.stop();
    await kafka.stop();
  });

  async function start(): Promise<ServiceProcess> {
    const service = await ServiceProcess.start({
      KAFKA_BOOTSTRAP_SERVERS: kafka.address,
      KAFKA_SESSION_TIMEOUT_MS: '3000',
      KAFKA_BATCH_SIZE: '20',
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    });
    services.push(service);
    return service;
  }

  /** As an independent client sees it: by partition, in order. */
  async function ends(): Promise<readonly string[]> {
    const offsets = await admin.fetchTopicOffsets(TOPIC);
    return offsets.toSorted((a, b) => a.partition - b.partition).map(({ high }) => high);
  }

  async function committed(): Promise<readonly string[]> {
    const [of] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
    return (of?.partitions ?? []).toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);
  }

  const membersWithWork = async (): Promise<number> => {
    const { groups } = await admin.describeGroups([GROUP]);
    return groups[0]!.members.filter(({ memberAssignment }) => memberAssignment.length > 0).length;
  };

  it(
    'has the latest of every device, each bad message once and all offsets at the end, whatever became of its members',
    { timeout: 300_000 },
    async () => {
      const traffic = new Traffic(seededRandom(41), 40);
      const sendSome = async (chunks: number): Promise<void> => {
        for (let chunk = 0; chunk < chunks; chunk++) await writer.send(traffic.next(25));
      };
      const first = await start();
      await sendSome(CHUNKS / 4);
      // Read, but not to the end: there is more to come as it dies.
      await vi.waitFor(async () => expect((await heldReadings(first.url, traffic.ids)).size).toBeGreaterThan(0), LONG);
      await Promise.all([sendSome(CHUNKS / 4), first.end('SIGKILL')]);
      const again = await start();
      await sendSome(CHUNKS / 4);
      const second = await start();
      await Promise.all([sendSome(CHUNKS / 8), vi.waitFor(async () => expect(await membersWithWork()).toBe(2), LONG)]);
      await Promise.all([sendSome(CHUNKS / 8), second.end('SIGTERM')]);

      const ledger = await readLedger(kafka.address, TOPIC);
      expect([ledger.latest.size > 40, ledger.poison.length > 10]).toEqual([true, true]);
      await vi.waitFor(async () => expect(await committed()).toEqual(await ends()), LONG);
      const held = await heldReadings(again.url, traffic.ids);
      expect(Object.fromEntries(held), again.log).toEqual(Object.fromEntries(ledger.latest));
      const buried = await readDeadLetters(kafka.address, ERRORS);
      const positions = buried.map(({ headers }) => `${headers['partition']}/${headers['position']}`).toSorted();
      expect(positions, again.log).toEqual(ledger.poison);
      expect(buried.every(({ value }) => value.toString().startsWith('poison'))).toBe(true);
    },
  );

  it('gives up nothing when it is stopped in order, and reads on where it was', async () => {
    await Promise.all(services.map((service) => service.end('SIGTERM')));
    const traffic = new Traffic(seededRandom(42), 1);
    await writer.send(traffic.next(50));
    const next = await start();
    await vi.waitFor(async () => expect(await committed()).toEqual(await ends()), LONG);
    // Only what came since was read: what was there before is not taken in again.
    const metrics = await (await fetch(`${next.url}/metrics`)).text();
    const taken = [...metrics.matchAll(/readings_total\{[^}]*source="kafka:[^}]*\} (\d+)/g)];
    expect(taken.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(50);
  });
});
