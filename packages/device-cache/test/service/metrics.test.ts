/** `/metrics`, after everything has happened that it has to say something about, as independent readers take it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RedisServer, redisMissing } from '../../../core/test/cache/redis-server.ts';
import { parsePrometheus, samplesOf } from '../../../core/test/telemetry/test-support/prometheus-text.ts';
import { countedMetrics, METRIC_PREFIX, serviceMetrics } from '../../src/metrics/catalog.ts';
import { Counters } from '../../src/metrics/counters.ts';
import { reading } from '../../src/store/test-support/readings.ts';
import { KafkaBroker } from '../test-support/kafka-broker/broker.ts';
import { TopicWriter } from '../test-support/producer.ts';
import { RunningService } from '../test-support/running-service.ts';

const TOPIC = 'iot_validated_data';
const page = join(import.meta.dirname, '../../../../docs/device-cache/metrics.md');
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const LONG = { timeout: 30_000, interval: 200 };
const token = (name: string): string => `${name}-token-0123456789`;
const as = (name: string): Record<string, string> => ({ authorization: `Bearer ${token(name)}` });

describe.skipIf(redisMissing !== undefined)('the metrics of the service', () => {
  let redis: RedisServer;
  let broker: KafkaBroker;
  let writer: TopicWriter;
  let service: RunningService;
  let text: string;

  const scrape = async (): Promise<string> => (await service.ask('GET', '/metrics', { headers: as('scraper') })).text;

  beforeAll(async () => {
    redis = await RedisServer.start();
    broker = await KafkaBroker.start(2);
    broker.createTopic(TOPIC);
    writer = new TopicWriter(broker.address, TOPIC);
    service = await RunningService.start({
      api: {
        rateLimit: 100,
        tokens: ['user', 'scraper'].map((name) => ({ name, scopes: ['read', 'write'], token: token(name) })),
      },
      redis: { url: `redis://127.0.0.1:${redis.port}`, timeoutMs: 200 },
      kafka: { bootstrapServers: [broker.address] },
    });
    await everythingHappens();
    text = await vi.waitFor(async () => {
      const scraped = await scrape();
      expect(scraped).toMatch(/consumer_lag_messages\{.*\} 0/);
      return scraped;
    }, LONG);
  }, 60_000);
  afterAll(async () => {
    await service.stop();
    await writer.close();
    await broker.stop();
    await redis.stop();
  });

  async function everythingHappens(): Promise<void> {
    const headers = as('user');
    await writer.send([
      { key: 'k1', value: JSON.stringify(reading('k1')) },
      { key: 'k1', value: 'poison' },
    ]);
    const json = [reading('d1'), reading('d1'), {}];
    const once = { ...headers, 'idempotency-key': 'once' };
    for (let n = 0; n < 2; n++) await service.ask('POST', '/v1/readings', { json, headers: once });
    for (const id of ['d1', 'd1', 'nobody']) await service.ask('GET', `/v1/devices/${id}`, { headers });
    await vi.waitFor(
      async () => expect(await scrape()).toContain('readings_total{outcome="rejected",source="kafka:'),
      LONG,
    );
    redis.signal('SIGSTOP');
    await service.ask('GET', '/v1/devices/away', { headers });
    redis.signal('SIGCONT');
    for (let status = 200; status !== 429;) ({ status } = await service.ask('GET', '/v1/devices/d1', { headers }));
  }

  it('have a row each in the docs, which says their kind, their labels and their meaning as they do', () => {
    const families = parsePrometheus(text);
    const rows = tableOf(page);
    expect(families.map(({ name }) => name).toSorted()).toEqual(rows.map(({ name }) => name).toSorted());
    for (const { name, kind, labels, says } of rows) {
      const { type, help, metrics } = families.find((family) => family.name === name)!;
      expect([name, type.toLowerCase(), help]).toEqual([name, kind, says]);
      const seen = new Set(metrics.flatMap((one) => Object.keys(one.labels ?? {})));
      expect([name, [...seen].filter((label) => !labels.includes(label))]).toEqual([name, []]);
    }
  });

  it('are in the docs as the service has them', () => {
    const own = tableOf(page).filter(({ name }) => name.startsWith(METRIC_PREFIX));
    const catalog = Object.entries(serviceMetrics).map(([name, { kind, labels, description }]) => ({
      name: METRIC_PREFIX + name,
      kind,
      labels,
      says: description,
    }));
    expect(own).toEqual(catalog);
  });

  it.runIf(hasPromtool)('pass the check of promtool', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  });

  it('count what has happened', () => {
    const samples = samplesOf(text);
    const of = (name: string, labels: Readonly<Record<string, string>> = {}): number => {
      const series = samples
        .get(name)
        ?.filter(({ labels: given = {} }) => Object.entries(labels).every(([label, value]) => given[label] === value));
      return (series ?? []).reduce((sum, { value }) => sum + Number(value), 0);
    };
    const own = (name: string, labels?: Readonly<Record<string, string>>): number => of(METRIC_PREFIX + name, labels);
    const kafka = { source: `kafka:${TOPIC}` };
    // The second request with the key of the first took nothing in.
    for (const outcome of ['stored', 'outdated', 'rejected'])
      expect([outcome, own('readings_total', { source: 'http', outcome })]).toEqual([outcome, 1]);
    expect(own('readings_total', { ...kafka, outcome: 'stored' })).toBe(1);
    expect(own('dead_letters_total')).toBe(2);
    expect([own('store_up'), own('source_up', kafka), own('devices')]).toEqual([1, 1, 2]);
    expect(own('store_reads_total', { outcome: 'missing' })).toBeGreaterThan(0);
    const timed = (outcome: string): number => own('store_operation_seconds_count', { operation: 'get', outcome });
    // The change of d1 may be told after it was read, and takes its copy out: then it is asked for once more.
    expect([2, 3]).toContain(timed('successful'));
    expect(timed('failed')).toBe(1);
    expect(of('cache_gets_total', { cache: 'devices', result: 'hit', tier: 'memory' })).toBeGreaterThan(0);
    expect(of('breakwater_ratelimiter_requests_total', { name: 'clients', kind: 'refused' })).toBe(1);
    expect(of('breakwater_pipeline_calls_seconds_count', { pipeline: 'redis-store', kind: 'failed' })).toBeGreaterThan(
      0,
    );
    expect(own('http_requests_total', { route: '/v1/devices/:id', status: '503' })).toBe(1);
  });

  it('say how many messages of each partition are left', () => {
    const lag = samplesOf(text).get(`${METRIC_PREFIX}consumer_lag_messages`)!;
    expect(new Set(lag.map(({ labels }) => labels?.['partition']))).toEqual(new Set(['0', '1']));
  });

  it('say how many streams are open', async () => {
    const stopper = new AbortController();
    await fetch(`${service.url}/v1/stream`, { headers: as('scraper'), signal: stopper.signal });
    expect(await scrape()).toContain(`${METRIC_PREFIX}stream_readers 1\n`);
    stopper.abort();
    await expect.poll(scrape).toContain(`${METRIC_PREFIX}stream_readers 0\n`);
  });
});

describe('counters', () => {
  it('keep a thousand series of a name, and count the rest together', () => {
    const counters = new Counters();
    for (let n = 0; n < 1_010; n++) counters.add('readings_total', { source: `s${n}`, outcome: 'stored' });
    const series = [...counters.seriesOf('readings_total')];
    expect(series).toHaveLength(1_001);
    expect(series.at(-1)).toEqual({ labels: { source: '(other)', outcome: '(other)' }, cell: { value: 10 } });
  });

  it('forget what a gauge said of one source, and nothing else', () => {
    const counters = new Counters();
    for (const source of ['a', 'b']) counters.set('source_up', { source }, 1);
    counters.forget('source_up', 'a');
    counters.forget('consumer_lag_messages', 'a');
    expect([...counters.seriesOf('source_up')].map(({ labels }) => labels)).toEqual([{ source: 'b' }]);
  });

  it('have names that Prometheus expects of their kind', () => {
    for (const [name, { kind }] of Object.entries(countedMetrics))
      expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
  });
});

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly labels: readonly string[];
  readonly says: string;
}

/** The rows of the page's table. */
function tableOf(path: string): readonly Row[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  const cells = lines.filter((line) => line.startsWith('| `')).map((line) => line.slice(1, -1).split('|'));
  return cells.map(([name = '', kind = '', labels = '', says = '']) => ({
    name: name.trim().replaceAll('`', ''),
    kind: kind.trim(),
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label!),
    says: says.trim(),
  }));
}
