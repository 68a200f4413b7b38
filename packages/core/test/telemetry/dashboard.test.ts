import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { collectMetrics, prometheusRegistry, resilience4jNames } from 'breakwater/telemetry';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { samplesOf } from './test-support/prometheus-text.ts';
import { wholeWorld } from './test-support/whole-world.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../../../docs/operations/${name}`, import.meta.url));
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const dashboard = JSON.parse(readFileSync(path('grafana-dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
};
const rules = (
  parse(readFileSync(path('alert-rules.yaml'), 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
  }
).groups.flatMap((group) => group.rules);

/** Each series that an expression asks for: the name, and the labels that it is chosen or put together by. */
function seriesIn(expr: string): { readonly names: readonly string[]; readonly labels: readonly string[] } {
  const names = [
    ...expr.matchAll(
      /\b[a-z]\w*_(?:total|seconds|count|bucket|sum|state|calls|depth|threads|queued|pending|connections|size)\b/g,
    ),
  ];
  const chosen = [...expr.matchAll(/[{,]\s*(\w+)\s*(?:=|!=|=~|!~)"/g)].map(([, label]) => label!);
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) =>
    list!.split(',').map((label) => label.trim()),
  );
  return { names: names.map(([name]) => name), labels: [...chosen, ...grouped] };
}

let samples: ReturnType<typeof samplesOf>;
beforeAll(async () => {
  const world = wholeWorld();
  const registry = prometheusRegistry();
  collectMetrics({ meter: registry, naming: resilience4jNames, keys: true, maxKeys: 1 }).watch(...world.sources);
  await world.run();
  samples = samplesOf(registry.text());
});

const expressions = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
];

describe('the dashboard and the alert rules', () => {
  it.each(expressions)('%s asks only for metrics that there are, by labels that they have', (_, expr) => {
    const { names, labels } = seriesIn(expr);
    expect(names.length).toBeGreaterThan(0);
    const known = new Set(
      names.flatMap((name) => (samples.get(name) ?? []).flatMap((one) => Object.keys(one.labels ?? {}))),
    );
    for (const name of names) expect([name, samples.has(name)]).toEqual([name, true]);
    for (const label of labels) expect([label, known.has(label)]).toEqual([label, true]);
    // Whatever else stands there is PromQL: nothing that looks like a metric was overlooked.
    const rest = names.reduce((text, name) => text.replaceAll(name, ''), expr);
    expect(rest).not.toMatch(/\b(?:breakwater|resilience4j|cache)_/);
  });

  it('have a panel for what every service must see', () => {
    const titles = dashboard.panels.map(({ title }) => title);
    for (const title of [
      'Error rate',
      'Latency, p95 and p99',
      'Breaker trips',
      'Limit hits per second',
      'Pool efficiency',
      'Cache hit rate',
    ])
      expect(titles).toContain(title);
    for (const { type, description, targets = [] } of dashboard.panels.filter((panel) => panel.type !== 'row'))
      expect([type, description === undefined, targets.length > 0]).toEqual(['timeseries', false, true]);
  });

  it('name nothing twice', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  it('are explained, panel by panel and alert by alert', () => {
    const page = readFileSync(path('what-to-watch.md'), 'utf8');
    for (const { title } of dashboard.panels.filter(({ type }) => type !== 'row'))
      expect(page).toContain(`**${title}**`);
    for (const { alert } of rules) expect(page).toContain(`\`${alert}\``);
  });

  it.runIf(hasPromtool)('are rules that Prometheus takes', () => {
    const { status, stdout } = spawnSync('promtool', ['check', 'rules', path('alert-rules.yaml')], {
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, expect.stringContaining(`${rules.length} rules found`)]);
  });
});
