/** The service on an Apache Kafka that asks for a password, with and without TLS. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../../core/test/cache/redis-server.ts';
import { reading } from '../../src/store/test-support/readings.ts';
import { ApacheKafka, type KafkaExtras, kafkaMissing } from '../test-support/apache-kafka.ts';
import { type Certificate, certificateMissing, selfSigned } from '../test-support/certificate.ts';
import { TopicWriter } from '../test-support/producer.ts';
import { ServiceProcess } from '../test-support/service-process.ts';

const USER = 'device-cache';
const PASSWORD = 'a password of %20 its own';
const LONG = { timeout: 60_000, interval: 200 };

/** A Kafka with a listener for passwords alone, and one for passwords under TLS. */
function secured(port: number, tlsPort: number, { certificate, key }: Certificate): KafkaExtras {
  const inOneLine = (file: string): string => readFileSync(file, 'utf8').trim().replaceAll('\n', '\\n');
  const login = `org.apache.kafka.common.security.plain.PlainLoginModule required username="broker" password="of-its-own" user_broker="of-its-own" user_${USER}="${PASSWORD}";`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const byListener = ['sasl_plaintext', 'sasl_ssl'].flatMap((listener) => [
    [`listener.name.${listener}.plain.sasl.jaas.config`, login],
    [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`, scram],
    [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`, scram],
  ]);
  return {
    settings: {
      listeners: `SASL_PLAINTEXT://127.0.0.1:${port},SASL_SSL://127.0.0.1:${tlsPort}`,
      'advertised.listeners': `SASL_PLAINTEXT://127.0.0.1:${port},SASL_SSL://127.0.0.1:${tlsPort}`,
      'listener.security.protocol.map': 'SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
      'security.inter.broker.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.key': inOneLine(key),
      'ssl.keystore.certificate.chain': inOneLine(certificate),
      ...(Object.fromEntries(byListener) as Record<string, string>),
    },
    format: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${USER},password=${PASSWORD}]`,
    ]),
  };
}

describe.skipIf((kafkaMissing ?? certificateMissing) !== undefined)('the service on a secured Apache Kafka', () => {
  let kafka: ApacheKafka;
  let certificate: Certificate;
  let tlsPort: number;
  let folder: string;
  let service: ServiceProcess | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'secured-kafka-'));
    certificate = selfSigned(folder);
    tlsPort = await freePort();
    kafka = await ApacheKafka.start((port) => secured(port, tlsPort, certificate));
  }, 120_000);
  afterAll(async () => {
    await service?.end('SIGKILL');
    await kafka.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(mechanism: string, tls: boolean, password: string = PASSWORD): Promise<ServiceProcess> {
    service = await ServiceProcess.start({
      KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${tls ? tlsPort : kafka.port}`,
      KAFKA_VALIDATED_DATA_TOPIC: `readings-${mechanism}`,
      KAFKA_ERROR_TOPIC: `errors-${mechanism}`,
      KAFKA_CONSUMER_GROUP_ID: `group-${mechanism}`,
      KAFKA_TLS: String(tls),
      KAFKA_USERNAME: USER,
      KAFKA_PASSWORD: password,
      KAFKA_SASL_MECHANISM: mechanism,
      // As an operator does whose brokers have certificates of his own making.
      NODE_EXTRA_CA_CERTS: certificate.certificate,
      STORE_PATH: ':memory:',
      DEAD_LETTER_FILE: join(folder, 'dead-letters.jsonl'),
    });
    return service;
  }

  it.each([
    ['plain', false],
    ['scram-sha-256', false],
    ['scram-sha-512', true],
  ] as const)('reads readings and buries bad messages: %s, TLS %s', { timeout: 120_000 }, async (mechanism, tls) => {
    const running = await start(mechanism, tls);
    // Then its topic is there too.
    const health = (): Promise<string> => fetch(`${running.url}/v1/health`).then((answer) => answer.text());
    await vi.waitFor(async () => expect(await health(), running.log).toContain('"status":"healthy"'), LONG);
    const sasl = { mechanism: 'PLAIN', username: USER, password: PASSWORD } as const;
    const writer = new TopicWriter(kafka.address, `readings-${mechanism}`, { sasl });
    await writer.send([
      { key: 's1', value: 'poison' },
      { key: 's1', value: JSON.stringify(reading('s1')) },
    ]);
    await writer.close();
    const status = (): Promise<number> => fetch(`${running.url}/v1/devices/s1`).then((answer) => answer.status);
    await vi.waitFor(async () => expect(await status(), running.log).toBe(200), LONG);
    const metrics = await (await fetch(`${running.url}/metrics`)).text();
    expect(metrics).toMatch(/readings_total\{outcome="rejected",source="kafka:readings-[^"]*"\} 1/);
    expect(await running.end()).toBe(0);
  });

  it(
    'is degraded and says so where the password is not the right one, without telling it',
    { timeout: 60_000 },
    async () => {
      const running = await start('plain', false, 'not-the-password');
      const health = (): Promise<string> => fetch(`${running.url}/v1/health`).then((answer) => answer.text());
      await vi.waitFor(
        async () => expect(await health()).toMatch(/"component":"kafka","status":"degraded","message":"not connected/),
        LONG,
      );
      expect((await health()) + running.log).not.toContain('not-the-password');
    },
  );
});
