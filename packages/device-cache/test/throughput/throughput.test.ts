/** What the service costs beside what it is made of, side by side in one run: ratios of the processor's time per request. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisMissing, RedisServer } from '../../../core/test/cache/redis-server.ts';
import { writeScript } from '../../src/store/redis/scripts.ts';
import { reading } from '../../src/store/test-support/readings.ts';
import { KafkaBroker } from '../test-support/kafka-broker/broker.ts';
import { TopicWriter } from '../test-support/producer.ts';
import { ServiceProcess } from '../test-support/service-process.ts';
import { cpuSeconds, type Load, load, median } from './load.ts';

const isLong = (process.env['BREAKWATER_LONG'] ?? '') !== '';
const ROUNDS = isLong ? 9 : 3;
const MESSAGES = isLong ? 20_000 : 5_000;
const REQUESTS = isLong ? 20_000 : 5_000;
/** Shorter runs beside other tests are coarse, and find only what is out of proportion. */
const least = isLong ? { nearCache: 0.9, redis: 0.9, intake: 0.8 } : { nearCache: 0.75, redis: 0.7, intake: 0.65 };

interface Bare {
  readonly url: string;
  readonly pid: number;
  end(): void;
}

function bareProgram(name: string, args: readonly string[]): Promise<Bare> {
  const child = spawn(process.execPath, [join(import.meta.dirname, name), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the bare server ended with ${code}`)));
    child.stdout.on('data', (text) => {
      const url = /listening on (\S+)/.exec(String(text))?.[1];
      if (url !== undefined) resolve({ url, pid: child.pid!, end: () => child.kill('SIGKILL') });
    });
  });
}

/** Rounds of both, in turn: what disturbs the machine disturbs both. */
async function sideBySide(
  ours: () => Promise<Load>,
  theirs: () => Promise<Load>,
): Promise<{ ratio: number; text: string }> {
  // The code of both becomes hot first.
  for (let round = 0; round < 2; round++) await Promise.all([ours(), theirs()]);
  const pairs: [Load, Load][] = [];
  for (let round = 0; round < ROUNDS; round++) pairs.push([await ours(), await theirs()]);
  const ratio = median(pairs.map(([our, their]) => their.cpuMicros / our.cpuMicros));
  const micros = (at: 0 | 1): string => `${median(pairs.map((pair) => pair[at].cpuMicros)).toFixed(1)} µs`;
  const p99 = (at: 0 | 1): string => `p99 ${median(pairs.map((pair) => pair[at].p99Ms)).toFixed(1)} ms`;
  const rate = (at: 0 | 1): string => `${median(pairs.map((pair) => pair[at].perSecond)).toFixed(0)}/s`;
  const side = (at: 0 | 1): string => `${micros(at)} (${rate(at)}, ${p99(at)})`;
  return { ratio, text: `${ratio.toFixed(2)}: ${side(0)} to ${side(1)}` };
}

describe.skipIf(redisMissing !== undefined)('a request for a device', () => {
  const folder = mkdtempSync(join(tmpdir(), 'device-throughput-'));
  let redis: RedisServer;
  let service: ServiceProcess;
  let bare: Bare;
  beforeAll(async () => {
    redis = await RedisServer.start();
    service = await ServiceProcess.start({
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      API_RATE_LIMIT: '1000000',
      NEAR_CACHE_ENTRIES: '100',
      DEAD_LETTER_FILE: join(folder, 'dead.jsonl'),
    });
    const ids = Array.from({ length: 3_000 }, (_, at) => `d${at}`);
    for (let at = 0; at < ids.length; at += 1_000) {
      const body = JSON.stringify(ids.slice(at, at + 1_000).map((id) => reading(id)));
      const answer = await fetch(`${service.url}/v1/readings`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect(answer.status).toBe(200);
    }
    const body = await (await fetch(`${service.url}/v1/devices/d0`)).text();
    bare = await bareProgram('bare-server.mjs', [body, String(redis.port)]);
    // Both say the same of a device: neither has less to do.
    const ours = await fetch(`${service.url}/v1/devices/d1`);
    const theirs = await fetch(`${bare.url}/redis/d1`);
    expect(await theirs.text()).toBe(await ours.text());
  }, 120_000);
  afterAll(async () => {
    bare.end();
    await service.end('SIGKILL');
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('from the near cache is in proportion to a constant of the same size', { timeout: 600_000 }, async () => {
    const { ratio, text } = await sideBySide(
      () => load(service.pid, service.url, () => '/v1/devices/d0', REQUESTS),
      () => load(bare.pid, bare.url, () => '/constant/d0', REQUESTS),
    );
    console.log(`near cache to constant: ${text}`);
    expect(ratio, text).toBeGreaterThanOrEqual(least.nearCache);
  });

  it('from Redis is in proportion to a bare client', { timeout: 600_000 }, async () => {
    let from = 0;
    // No device is asked for twice while the near cache could still have it.
    const next = (): string => `d${(from += 7) % 3_000}`;
    const { ratio, text } = await sideBySide(
      () => load(service.pid, service.url, () => `/v1/devices/${next()}`, REQUESTS),
      () => load(bare.pid, bare.url, () => `/redis/${next()}`, REQUESTS),
    );
    console.log(`Redis to a bare client: ${text}`);
    expect(ratio, text).toBeGreaterThanOrEqual(least.redis);
  });
});

describe.skipIf(redisMissing !== undefined)('the intake', () => {
  it('is in proportion to a loop that consumes and writes', { timeout: 600_000 }, async () => {
    const [redis, broker] = [await RedisServer.start(), await KafkaBroker.start(3)];
    const topic = 'iot_validated_data';
    broker.createTopic(topic);
    const service = await ServiceProcess.start({
      REDIS_URL: `redis://127.0.0.1:${redis.port}/0`,
      KAFKA_BOOTSTRAP_SERVERS: broker.address,
    });
    const loop = await bareProgram('bare-ingest.mjs', [broker.address, topic, String(redis.port), writeScript.whole]);
    const writer = new TopicWriter(broker.address, topic);
    let sent = 0;
    /** Both read the same messages at the same time; resolves to what each of them worked. */
    const round = async (): Promise<number> => {
      const before = [cpuSeconds(service.pid), cpuSeconds(loop.pid)] as const;
      for (let i = 0; i < MESSAGES / 500; i++) {
        const messages = Array.from({ length: 500 }, () => {
          const device = `d${sent++ % 500}`;
          const timestamp = new Date(Date.UTC(2026, 0, 1) + sent).toISOString();
          return { key: device, value: JSON.stringify(reading(device, { timestamp, values: [sent] })) };
        });
        await writer.send(messages);
      }
      const isDone = (group: string): boolean =>
        broker.committed(group, topic).every((offset, partition) => offset === broker.ends(topic)[partition]);
      await expect.poll(() => isDone('cache_service_group') && isDone('bare'), { timeout: 120_000 }).toBe(true);
      return (cpuSeconds(loop.pid) - before[1]) / (cpuSeconds(service.pid) - before[0]);
    };
    await round();
    const ratios: number[] = [];
    for (let i = 0; i < ROUNDS; i++) ratios.push(await round());
    const ratio = median(ratios);
    console.log(`intake to a loop: ${ratio.toFixed(2)}`);
    loop.end();
    await service.end('SIGKILL');
    await writer.close();
    await broker.stop();
    await redis.stop();
    expect(ratio).toBeGreaterThanOrEqual(least.intake);
  });
});
