/** What clients of the service need of a broker: passed by the one in this process, and by Apache Kafka itself. */
import { Consumer, type Message, Producer } from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const LONG = { timeout: 20_000 };

type ByteMessage = Message<Buffer, Buffer, Buffer, Buffer>;

/** Runs the suite on a broker. */
export function conformanceSuite(name: string, address: () => string): void {
  describe(`the broker ${name}`, () => {
    let producer: Producer<Buffer, Buffer, Buffer, Buffer>;
    const open: { close(force?: boolean): Promise<unknown> }[] = [];
    beforeAll(() => {
      producer = new Producer({ clientId: 'producer', bootstrapBrokers: [address()], autocreateTopics: true });
      open.push(producer);
    });
    afterAll(async () => {
      for (const client of open.toReversed()) await client.close(true).catch(() => undefined);
    });

    const newTopic = (): string => `conformance-${randomUUID()}`;

    async function produce(topic: string, texts: readonly string[], key?: string): Promise<void> {
      const messages = texts.map((text) => ({
        topic,
        value: Buffer.from(text),
        ...(key === undefined ? {} : { key: Buffer.from(key) }),
      }));
      await producer.send({ messages, acks: -1 });
    }

    function consumer(groupId: string): Consumer<Buffer, Buffer, Buffer, Buffer> {
      const made = new Consumer<Buffer, Buffer, Buffer, Buffer>({
        clientId: 'consumer',
        groupId,
        bootstrapBrokers: [address()],
        autocreateTopics: true,
        sessionTimeout: 6_000,
        heartbeatInterval: 200,
        rebalanceTimeout: 6_000,
      });
      open.push(made);
      return made;
    }

    async function take(groupId: string, topic: string, count: number, commit: boolean): Promise<ByteMessage[]> {
      const one = consumer(groupId);
      const taken: ByteMessage[] = [];
      const stream = await one.consume({
        topics: [topic],
        mode: 'committed',
        fallbackMode: 'earliest',
        autocommit: false,
        maxWaitTime: 200,
      });
      for await (const message of stream) {
        taken.push(message);
        if (taken.length === count) break;
      }
      if (commit) {
        const ends = new Map(taken.map(({ partition, offset }) => [partition, offset + 1n]));
        await one.commit({
          offsets: [...ends].map(([partition, offset]) => ({ topic, partition, offset, leaderEpoch: -1 })),
        });
      }
      await one.close(true);
      return taken;
    }

    it('gives back what was produced, byte for byte and in the order of each partition', async () => {
      const topic = newTopic();
      const texts = Array.from({ length: 300 }, (_, at) => `${at} ÄÖ\u0000${'x'.repeat(at)}`);
      await produce(topic, texts.slice(0, 100), 'one-key');
      await produce(topic, texts.slice(100), 'one-key');
      const taken = await take(randomUUID(), topic, 300, false);
      expect(taken.map(({ value }) => value.toString())).toEqual(texts);
      expect(taken.map(({ offset }) => Number(offset))).toEqual(texts.map((_, at) => at));
      expect(new Set(taken.map(({ partition }) => partition)).size).toBe(1);
    });

    it('goes on after the committed offset, and begins anew where nothing was committed', async () => {
      const [topic, group] = [newTopic(), randomUUID()];
      await produce(topic, ['a', 'b', 'c'], 'k');
      expect((await take(group, topic, 3, false)).length).toBe(3);
      expect((await take(group, topic, 2, true)).map(({ value }) => value.toString())).toEqual(['a', 'b']);
      await produce(topic, ['d'], 'k');
      expect((await take(group, topic, 2, false)).map(({ value }) => value.toString())).toEqual(['c', 'd']);
    });

    it('says where partitions begin and end', async () => {
      const topic = newTopic();
      await produce(topic, ['a', 'b', 'c'], 'k');
      const one = consumer(randomUUID());
      const latest = (await one.listOffsets({ topics: [topic], timestamp: -1n })).get(topic) ?? [];
      const earliest = (await one.listOffsets({ topics: [topic], timestamp: -2n })).get(topic) ?? [];
      expect(latest.reduce((sum, offset) => sum + offset, 0n)).toBe(3n);
      expect(earliest.every((offset) => offset === 0n)).toBe(true);
    });

    it('divides the partitions among the members of a group, and again when one leaves', async () => {
      const [topic, group] = [newTopic(), randomUUID()];
      await produce(topic, ['x']);
      const members = [consumer(group), consumer(group)];
      const partitions = (of: (typeof members)[number]): readonly number[] =>
        of.assignments?.find((one) => one.topic === topic)?.partitions ?? [];
      for (const member of members) {
        const stream = await member.consume({
          topics: [topic],
          mode: 'committed',
          fallbackMode: 'earliest',
          autocommit: false,
        });
        stream.on('data', () => undefined).on('error', () => undefined);
      }
      const divided = (): readonly number[] => members.flatMap(partitions).toSorted((a, b) => a - b);
      await expect.poll(() => members.map((member) => partitions(member).length > 0), LONG).toEqual([true, true]);
      await expect.poll(divided, LONG).toEqual([0, 1, 2]);
      await members[1]!.close(true);
      await expect.poll(() => partitions(members[0]!).toSorted((a, b) => a - b), LONG).toEqual([0, 1, 2]);
    });

    it('speaks to kafkajs as well: produce, consume in a group, commit', async () => {
      const [topic, group] = [newTopic(), randomUUID()];
      const kafka = new Kafka({
        brokers: [address()],
        clientId: 'independent',
        logLevel: logLevel.NOTHING,
        retry: { retries: 8 },
      });
      const admin = kafka.admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
      const sender = kafka.producer();
      await sender.connect();
      const values = Array.from({ length: 50 }, (_, at) => `v${at}`);
      await sender.send({ topic, messages: values.map((value) => ({ key: value, value, headers: { h: 'ä' } })) });
      const seen: string[] = [];
      const reader = kafka.consumer({ groupId: group, sessionTimeout: 6_000, heartbeatInterval: 500 });
      await reader.connect();
      await reader.subscribe({ topic, fromBeginning: true });
      await reader.run({
        eachMessage: ({ message }) => {
          seen.push(`${message.value?.toString()}${message.headers?.['h']?.toString()}`);
          return Promise.resolve();
        },
      });
      await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(50);
      expect(seen.toSorted()).toEqual(values.map((value) => `${value}ä`).toSorted());
      await reader.disconnect();
      const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      expect(offsets!.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)).toBe(50);
      await sender.disconnect();
      await admin.disconnect();
    });

    it('lets what one client produced be read by the other', async () => {
      const topic = newTopic();
      const kafka = new Kafka({ brokers: [address()], clientId: 'independent', logLevel: logLevel.NOTHING });
      const sender = kafka.producer({ allowAutoTopicCreation: true });
      await sender.connect();
      await sender.send({ topic, messages: [{ key: 'k', value: 'from kafkajs' }] });
      await sender.disconnect();
      const [message] = await take(randomUUID(), topic, 1, false);
      expect(message?.value.toString()).toBe('from kafkajs');
    });
  });
}
