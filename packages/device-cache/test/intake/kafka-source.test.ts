/** Readings from a topic: what is committed, what is read again, and what becomes of bad messages. */
import { Consumer } from '@platformatic/kafka';
import { systemClock } from 'breakwater/clock';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Intake } from '../../src/intake/intake.ts';
import { KafkaDeadLetters } from '../../src/kafka/kafka-dead-letters.ts';
import { KafkaSource } from '../../src/kafka/kafka-source.ts';
import { Counters } from '../../src/metrics/counters.ts';
import { StoreUnavailableError } from '../../src/store/errors.ts';
import { sqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { DeviceStore } from '../../src/store/store.ts';
import { fenced, reading, START_MS } from '../../src/store/test-support/readings.ts';
import { readDeadLetters } from '../test-support/dead-letter-topic.ts';
import { KafkaBroker } from '../test-support/kafka-broker/broker.ts';
import { TopicWriter } from '../test-support/producer.ts';

const TOPIC = 'iot_validated_data';
const ERRORS = 'iot_errors';
const GROUP = 'cache_service_group';
const log = pino({ level: 'silent' });
const LONG = { timeout: 20_000 };

describe('the Kafka source', () => {
  let broker: KafkaBroker;
  let writer: TopicWriter;
  let store: DeviceStore;
  const started: { source: KafkaSource; deadLetters: KafkaDeadLetters }[] = [];

  beforeEach(async () => {
    broker = await KafkaBroker.start();
    broker.createTopic(TOPIC);
    writer = new TopicWriter(broker.address, TOPIC);
    store = sqliteStore({ path: ':memory:' });
  });
  afterEach(async () => {
    for (const one of started.splice(0)) await stop(one);
    await writer.close();
    await store.close();
    await broker.stop();
  });

  async function start(on: DeviceStore = store): Promise<(typeof started)[number]> {
    const configuration = {
      bootstrapServers: [broker.address],
      topic: TOPIC,
      errorTopic: ERRORS,
      groupId: GROUP,
      batchSize: 50,
      sessionTimeoutMs: 3_000,
      tls: false,
      username: undefined,
      password: undefined,
      saslMechanism: 'plain',
    } as const;
    const deadLetters = new KafkaDeadLetters(configuration, log);
    const rules = () => ({ maxMessageBytes: 10_000, maxSkewMs: 300_000 });
    const intake = new Intake({ store: on, deadLetters, counters: new Counters(), clock: systemClock, rules });
    const source = new KafkaSource({ configuration, intake, store: on, clock: systemClock, log });
    const one = { source, deadLetters };
    started.push(one);
    await source.start();
    return one;
  }

  async function stop({ source, deadLetters }: (typeof started)[number]): Promise<void> {
    await source.stop();
    await deadLetters.close();
  }

  const message = (device: string, atMs: number, value: string | number = atMs, index = 'T') => ({
    key: device,
    value: JSON.stringify(
      reading(device, { index, values: [value], timestamp: new Date(START_MS + atMs).toISOString() }),
    ),
  });

  const valueOf = (device: string): Promise<unknown> =>
    store.get([device]).then(([found]) => found?.readings[0]?.values[0]);

  const allCommitted = (): boolean => {
    const ends = broker.ends(TOPIC);
    return broker.committed(GROUP, TOPIC).every((offset, partition) => (offset ?? 0n) === ends[partition]);
  };

  it('writes the latest of each device, and commits what was written', LONG, async () => {
    await writer.send([message('a', 1), message('b', 1), message('a', 3), message('a', 2)]);
    await start();
    await expect.poll(allCommitted, LONG).toBe(true);
    expect([await valueOf('a'), await valueOf('b')]).toEqual([3, 1]);
  });

  it('goes on where it was, and reads nothing twice, after it was stopped in an orderly way', LONG, async () => {
    await writer.send([message('a', 1)]);
    const first = await start();
    await expect.poll(allCommitted, LONG).toBe(true);
    await stop(first);
    started.splice(0);
    expect(broker.members(GROUP)).toBe(0);
    await writer.send([message('a', 2)]);
    const written: number[] = [];
    await start({ ...bound(store), write: (batch) => (written.push(batch.length), store.write(batch)) });
    await expect.poll(() => valueOf('a'), LONG).toBe(2);
    expect(written).toEqual([1]);
  });

  it.each([
    ['while it waits for messages', 0],
    ['while it commits', 5],
  ])('ends within seconds where the broker no longer answers: %s', { timeout: 60_000 }, async (_, left) => {
    await writer.send([message('a', 1)]);
    const one = await start();
    await expect.poll(allCommitted, LONG).toBe(true);
    await writer.send(Array.from({ length: left }, (_unused, at) => message('a', 2 + at)));
    broker.fallSilent();
    const began = Date.now();
    await stop(one);
    expect(Date.now() - began).toBeLessThan(15_000);
  });

  it('commits nothing while the store is away, and loses nothing', LONG, async () => {
    let isAway = true;
    await start({
      ...bound(store),
      write: (batch) => (isAway ? Promise.reject(new StoreUnavailableError('test', 'away')) : store.write(batch)),
    });
    await writer.send([message('a', 1), message('b', 2)]);
    await expect.poll(() => started[0]!.source.state.message, LONG).toContain('waiting');
    expect(started[0]!.source.state.status).toBe('degraded');
    expect(broker.committed(GROUP, TOPIC).every((offset) => offset === undefined)).toBe(true);
    isAway = false;
    await expect.poll(allCommitted, LONG).toBe(true);
    expect([await valueOf('a'), await valueOf('b')]).toEqual([1, 2]);
    await expect.poll(() => started[0]!.source.state.status, LONG).toBe('healthy');
  });

  it('reads again what a store has lost, though it was committed', LONG, async () => {
    await writer.send([message('a', 1), message('b', 2), message('c', 3)]);
    const first = await start();
    await expect.poll(allCommitted, LONG).toBe(true);
    await stop(first);
    started.splice(0);
    await store.close();
    store = sqliteStore({ path: ':memory:' });
    await start();
    await expect
      .poll(async () => [await valueOf('a'), await valueOf('b'), await valueOf('c')], LONG)
      .toEqual([1, 2, 3]);
    await expect.poll(allCommitted, LONG).toBe(true);
  });

  it('notices by itself that the store was emptied while it runs', LONG, async () => {
    await writer.send([message('a', 1), message('b', 2)]);
    let current = store;
    const forwarding = new Proxy(store, {
      get: (_, name: keyof DeviceStore) => {
        const member = current[name];
        return typeof member === 'function' ? member.bind(current) : member;
      },
    });
    await start(forwarding);
    await expect.poll(allCommitted, LONG).toBe(true);
    current = sqliteStore({ path: ':memory:' });
    await expect
      .poll(async () => (await current.get(['a', 'b'])).map((device) => device?.id), LONG)
      .toEqual(['a', 'b']);
    await current.close();
  });

  it('buries bad messages once, with reason, position and the original bytes, and goes on', LONG, async () => {
    const bad = Buffer.from([0xff, 0xfe, 0x00, 0x7b]);
    const future = message('a', Date.now() - START_MS + 3_600_000).value;
    await writer.send([
      { key: 'a', value: bad },
      { key: 'a', value: '{"device_id":"a"' },
      { key: 'a', value: future },
      message('a', 5),
    ]);
    await start();
    await expect.poll(() => valueOf('a'), LONG).toBe(5);
    await expect.poll(allCommitted, LONG).toBe(true);
    const letters = await readDeadLetters(broker.address, ERRORS);
    expect(letters.map(({ value }) => value)).toEqual([bad, Buffer.from('{"device_id":"a"'), Buffer.from(future)]);
    expect(letters.map(({ headers }) => Number(headers['position']))).toEqual([0, 1, 2]);
    expect(letters.map(({ headers }) => headers['source'])).toEqual(Array(3).fill(`kafka:${TOPIC}`));
    expect(letters[0]!.headers['reason']).toBe('not valid UTF-8');
    expect(letters[1]!.headers['reason']).toContain('not valid JSON');
    expect(letters[2]!.headers['reason']).toContain('in the future');
  });

  it('does not bury again what was buried before a crash', LONG, async () => {
    await writer.send([{ key: 'a', value: 'poison' }, message('a', 1)]);
    let crashes = 1;
    const crashing: DeviceStore = {
      ...bound(store),
      // The letter lies in the topic already when this fails.
      write: (batch) => (crashes-- > 0 ? Promise.reject(new Error('killed')) : store.write(batch)),
    };
    await start(crashing);
    await expect.poll(() => valueOf('a'), LONG).toBe(1);
    expect(await readDeadLetters(broker.address, ERRORS)).toHaveLength(1);
  });

  it('outlives connections that are cut and a broker that is away', LONG, async () => {
    await start();
    for (let round = 1; round <= 4; round++) {
      await writer.send([message('a', round)]);
      if (round % 2 === 0) broker.dropConnections();
      else {
        await broker.shut();
        await broker.open();
      }
      await expect.poll(() => valueOf('a'), LONG).toBe(round);
    }
  });

  it(
    'buries and writes everything of partitions that go away and come back while fetched messages wait',
    { timeout: 90_000 },
    async () => {
      const ids = Array.from({ length: 300 }, (_, at) => `m${at}`);
      let [batches, delayMs] = [0, 1_500];
      const slow: DeviceStore['write'] = async (batch) => {
        batches++;
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        return store.write(batch);
      };
      await start({ ...bound(store), write: slow });
      // Few at a time, so that what is fetched holds a little of each partition.
      for (const [at, id] of ids.entries()) await writer.send([message(id, at), { key: id, value: `poison ${at}` }]);
      await expect.poll(() => batches, LONG).toBeGreaterThan(1);
      const guest = new Consumer({
        clientId: 'guest',
        groupId: GROUP,
        bootstrapBrokers: [broker.address],
        sessionTimeout: 6_000,
        heartbeatInterval: 500,
      });
      guest.topics.trackAll(TOPIC);
      await guest.joinGroup({});
      const before = batches;
      await expect.poll(() => batches, LONG).toBeGreaterThan(before);
      await guest.close(true);
      await expect.poll(() => batches, LONG).toBeGreaterThan(before + 1);
      delayMs = 0;
      await expect.poll(allCommitted, { timeout: 45_000 }).toBe(true);
      const kept = await store.get(ids);
      expect(ids.filter((_, at) => kept[at] === undefined)).toEqual([]);
      const buried = await readDeadLetters(broker.address, ERRORS);
      const texts = buried.map(({ value }) => value.toString()).toSorted();
      expect(texts).toEqual(ids.map((_, at) => `poison ${at}`).toSorted());
    },
  );

  it('shares the partitions with a second member, and both write to the same end', LONG, async () => {
    const devices = Array.from({ length: 30 }, (_, at) => `d${at}`);
    await writer.send(devices.map((device) => message(device, 1)));
    await start();
    await expect.poll(allCommitted, LONG).toBe(true);
    const second = await start();
    for (let at = 2; at < 12; at++) await writer.send(devices.map((device) => message(device, at)));
    await stop(second);
    started.splice(1);
    await writer.send(devices.map((device) => message(device, 12)));
    await expect.poll(allCommitted, LONG).toBe(true);
    expect(await Promise.all(devices.map(valueOf))).toEqual(devices.map(() => 12));
  });

  it('never lets what HTTP has brought since be overwritten by what Kafka delivers again', LONG, async () => {
    await store.write([fenced('a', 10, { values: ['by http'], offset: -1 })]);
    await writer.send([message('a', 9, 'late')]);
    await start();
    await expect.poll(allCommitted, LONG).toBe(true);
    expect(await valueOf('a')).toBe('by http');
  });
});

/** The store's methods as fields, so that some can be replaced. */
function bound(store: DeviceStore): DeviceStore {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(store) as object) as (keyof DeviceStore)[];
  const methods = names.map((name) => [name, (store[name] as (...args: never[]) => unknown).bind(store)] as const);
  return { kind: store.kind, ...Object.fromEntries(methods) } as DeviceStore;
}
