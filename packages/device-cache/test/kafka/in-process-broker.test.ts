import { afterAll, beforeAll, expect, it } from 'vitest';
import { KafkaBroker } from '../test-support/kafka-broker/broker.ts';
import { conformanceSuite } from './conformance.ts';

let broker: KafkaBroker;
beforeAll(async () => {
  broker = await KafkaBroker.start();
});
afterAll(() => broker.stop());

conformanceSuite('in this process', () => broker.address);

it('keeps what was written while nobody can reach it', async () => {
  const own = await KafkaBroker.start();
  own.createTopic('t', 2);
  const { port } = own;
  await own.shut();
  await own.open();
  expect(own.port).toBe(port);
  expect(own.ends('t')).toEqual([0n, 0n]);
  await own.stop();
});
