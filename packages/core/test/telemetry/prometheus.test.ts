import { spawnSync } from 'node:child_process';
import { pipeline, retry } from 'breakwater';
import {
  collectMetrics,
  metricCatalog,
  metricLabels,
  openTelemetryNames,
  performanceMonitor,
  prometheusRegistry,
  resilience4jNames,
} from 'breakwater/telemetry';
import { VirtualClock } from 'breakwater/testing';
import { describe, expect, it } from 'vitest';
import { comparable, parsePrometheus, samplesOf } from './test-support/prometheus-text.ts';
import { prometheusExporter } from './test-support/prometheus-exporter.ts';
import { wholeWorld } from './test-support/whole-world.ts';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** What everything that can be watched has come to, as Prometheus reads it. */
async function scraped(poison?: string): Promise<string> {
  const world = wholeWorld();
  const registry = prometheusRegistry();
  collectMetrics({ meter: registry, naming: resilience4jNames, keys: true, maxKeys: 1 }).watch(...world.sources);
  await world.run(poison);
  return registry.text();
}

describe('the text for Prometheus', () => {
  it('has the metrics of the catalog, all of them, under the names, types and labels that it says', async () => {
    const families = parsePrometheus(await scraped());
    const expected = Object.values(metricCatalog);
    expect(families.map(({ name }) => name).toSorted()).toEqual(
      expected.map(({ prometheus }) => prometheus).toSorted(),
    );
    for (const { prometheus, kind, labels, description } of expected) {
      const family = families.find(({ name }) => name === prometheus)!;
      const type = kind === 'up-down counter' ? 'GAUGE' : kind.toUpperCase();
      expect([family.type, family.help]).toEqual([type, description]);
      const names = labels.map((label) => metricLabels[label].resilience4j);
      for (const { labels: given = {} } of family.metrics)
        for (const label of Object.keys(given)) expect(names).toContain(label);
    }
  });

  it.runIf(hasPromtool)('passes the check of promtool', async () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await scraped('hostile "}\n# TYPE x counter\\'),
      encoding: 'utf8',
    });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  });

  it.each([
    ['openTelemetryNames', openTelemetryNames],
    ['resilience4jNames', resilience4jNames],
  ])('says of the same data what OpenTelemetry’s exporter says, by %s', async (_, naming) => {
    const world = wholeWorld();
    const registry = prometheusRegistry();
    const exporter = prometheusExporter();
    for (const meter of [registry, exporter.meter])
      collectMetrics({ meter, naming, keys: true, maxKeys: 1 }).watch(...world.sources);
    await world.run();
    const ours = comparable(registry.text());
    expect(ours).toEqual(comparable(await exporter.text()));
    expect(JSON.stringify(ours).length).toBeGreaterThan(5_000);
    await exporter.close();
  });

  it('holds no secret that a call carries, not even in keys where those were asked for', async () => {
    expect(await scraped('Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc')).not.toContain('4eC39HqLyjWDarjtT1zdp7dc');
  });

  it('gives every hostile label back as it was, once it is parsed', () => {
    const registry = prometheusRegistry();
    const hostile = ['"} 1\nup 0', 'a\\nb', 'x\ny', '\\', '"', '{}', 'ünïcödé 🙂', ''];
    for (const text of hostile) registry.createCounter('odd').add(1, { text });
    const [family, ...others] = parsePrometheus(registry.text());
    expect(others).toEqual([]);
    expect(family!.metrics.map(({ labels }) => labels?.['text'])).toEqual(hostile);
  });
});

describe('ten thousand keys and a thousand operations', () => {
  it('stay within the bound, and what was folded is counted', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ name: 'inventory', clock }, retry());
    const monitor = performanceMonitor({ maxOperations: 1_000, clock });
    const registry = prometheusRegistry();
    const collector = collectMetrics({ meter: registry, naming: resilience4jNames, keys: true, maxSeries: 500 });
    collector.watch(calls, monitor);
    for (let n = 0; n < 10_000; n++) await calls.execute(() => n, { key: `sku:${n}` });
    for (let n = 0; n < 1_000; n++) monitor.record(`operation ${n}`, n);
    const samples = samplesOf(registry.text());
    for (const [name, series] of samples) {
      const most = name.endsWith('_bucket') ? 500 * 15 : 500;
      expect([name, series.length <= most]).toEqual([name, true]);
    }
    const keyed = samples.get('breakwater_pipeline_calls_seconds_count')!;
    expect(keyed).toHaveLength(101);
    expect(keyed.find(({ labels }) => labels?.['key'] === '(other)')?.value).toBe('9900');
    // A call and its attempt each.
    expect(collector.folded.get('operation.key')).toBe(2 * 9_900);
    const operations = samples.get('breakwater_operations_total')!;
    expect(operations).toHaveLength(500);
    expect(operations.some(({ labels }) => labels?.['operation'] === '(other)')).toBe(true);
    expect(operations.reduce((sum, { value }) => sum + Number(value), 0)).toBe(1_000);
    const folded = samples.get('breakwater_telemetry_folded_total')!.map(({ labels }) => labels?.['metric']);
    expect(folded).toEqual(expect.arrayContaining(['operation.key', 'breakwater_operations_total']));
  });
});
