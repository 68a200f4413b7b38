/** The suite of the broker in this process, on Apache Kafka itself. */
import { afterAll, beforeAll, describe } from 'vitest';
import { ApacheKafka, kafkaMissing } from '../test-support/apache-kafka.ts';
import { conformanceSuite } from './conformance.ts';

describe.skipIf(kafkaMissing !== undefined)('with Apache Kafka', () => {
  let kafka: ApacheKafka;
  beforeAll(async () => {
    kafka = await ApacheKafka.start();
  }, 120_000);
  afterAll(() => kafka.stop());

  conformanceSuite('Apache Kafka', () => kafka.address);
});
