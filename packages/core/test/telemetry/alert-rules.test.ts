import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';

const rules = fileURLToPath(new URL('../../../../docs/operations/alert-rules.yaml', import.meta.url));
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

interface Case {
  readonly alert: string;
  /** Series, each with its values of 90 minutes, one a minute, as promtool writes them. */
  readonly series: Readonly<Record<string, string>>;
  /** When it is looked at, and what the alert that fires then is about; undefined when none does. */
  readonly at: string;
  readonly about?: Readonly<Record<string, string>>;
}

const calls = 'breakwater_pipeline_calls_seconds_count';
const upTo = (share: number): Case['series'] => ({
  [`${calls}{pipeline="stock",kind="failed"}`]: `0+${60 * share}x90`,
  [`${calls}{pipeline="stock",kind="successful"}`]: `0+${60 * (1 - share)}x90`,
});
const breaker = (state: string, values: string): Case['series'] => ({
  [`resilience4j_circuitbreaker_state{pipeline="stock",name="db",state="${state}"}`]: values,
});
/** Of a hundred calls a minute, so many took up to 2.5 s; the others up to 5 s. */
const fast = (inTime: number): Case['series'] => ({
  'breakwater_pipeline_calls_seconds_bucket{pipeline="stock",le="2.5"}': `0+${inTime}x90`,
  'breakwater_pipeline_calls_seconds_bucket{pipeline="stock",le="5"}': '0+100x90',
  'breakwater_pipeline_calls_seconds_bucket{pipeline="stock",le="+Inf"}': '0+100x90',
});
const stock = { pipeline: 'stock' };
const ofBreaker = { ...stock, name: 'db' };

const cases: readonly Case[] = [
  { alert: 'BreakwaterErrorRateHigh', series: upTo(0.15), at: '20m', about: stock },
  { alert: 'BreakwaterErrorRateHigh', series: upTo(0.05), at: '20m' },
  { alert: 'BreakwaterErrorRateCritical', series: upTo(0.3), at: '20m', about: stock },
  { alert: 'BreakwaterErrorRateCritical', series: upTo(0.2), at: '20m' },
  { alert: 'BreakwaterLatencyHigh', series: fast(98), at: '20m', about: stock },
  { alert: 'BreakwaterLatencyHigh', series: fast(100), at: '20m' },
  { alert: 'BreakwaterCircuitOpen', series: breaker('open', '1x90'), at: '10m', about: ofBreaker },
  { alert: 'BreakwaterCircuitOpen', series: breaker('open', '0 1 0 1 0x86'), at: '10m' },
  { alert: 'BreakwaterCircuitIsolated', series: breaker('forced_open', '1x90'), at: '70m', about: ofBreaker },
  {
    alert: 'BreakwaterCircuitFlapping',
    series: { 'breakwater_circuitbreaker_transitions_total{pipeline="stock",name="db",state="open"}': '0+1x90' },
    at: '30m',
    about: ofBreaker,
  },
  {
    alert: 'BreakwaterRetryStorm',
    series: {
      'breakwater_attempts_seconds_count{pipeline="stock",attempt="1"}': '0+60x90',
      'breakwater_attempts_seconds_count{pipeline="stock",attempt="2"}': '0+60x90',
      [`${calls}{pipeline="stock",kind="successful"}`]: '0+60x90',
    },
    at: '30m',
    about: stock,
  },
  {
    alert: 'BreakwaterLimitHit',
    series: {
      'breakwater_ratelimiter_requests_total{name="api",kind="refused"}': '0+20x90',
      'breakwater_ratelimiter_requests_total{name="api",kind="admitted"}': '0+80x90',
    },
    at: '30m',
    about: { name: 'api' },
  },
  {
    alert: 'BreakwaterBulkheadFull',
    series: { 'resilience4j_bulkhead_available_concurrent_calls{pipeline="stock",name="rooms"}': '0x90' },
    at: '20m',
    about: { ...stock, name: 'rooms' },
  },
  {
    alert: 'BreakwaterPoolExhausted',
    series: { 'breakwater_connection_pool_timeouts_total{pool="db"}': '0x10 1+1x80' },
    at: '15m',
    about: { pool: 'db' },
  },
  {
    alert: 'BreakwaterCacheHitRateLow',
    series: {
      'cache_gets_total{cache="users",result="hit",tier="memory"}': '0+10x90',
      'cache_gets_total{cache="users",result="miss"}': '0+90x90',
    },
    at: '80m',
    about: { cache: 'users' },
  },
  {
    alert: 'BreakwaterCacheHitRateLow',
    series: {
      'cache_gets_total{cache="users",result="hit",tier="memory"}': '0+90x90',
      'cache_gets_total{cache="users",result="miss"}': '0+10x90',
    },
    at: '80m',
  },
  {
    alert: 'BreakwaterCacheTierFailing',
    series: { 'breakwater_cache_tier_failures_total{cache="users"}': '0x10 1+1x80' },
    at: '30m',
    about: { cache: 'users' },
  },
  {
    alert: 'BreakwaterCacheTierFailing',
    // One hiccup, which is over long before ten minutes are.
    series: { 'breakwater_cache_tier_failures_total{cache="users"}': '0x10 3x80' },
    at: '30m',
  },
  {
    alert: 'BreakwaterTelemetryFolded',
    series: { 'breakwater_telemetry_folded_total{metric="breakwater_events_total"}': '0x10 7x80' },
    at: '30m',
    about: { metric: 'breakwater_events_total' },
  },
  {
    alert: 'BreakwaterTelemetryFolded',
    series: { 'breakwater_telemetry_folded_total{metric="breakwater_events_total"}': '7x90' },
    at: '80m',
  },
];

/** Has Prometheus evaluate the rules on the series, and expects the alert, with these labels, to fire once or not at all. */
function evaluated({ alert, series, at, about = {} }: Case, times: 0 | 1): string {
  const labels = Object.entries({ alertstate: 'firing', alertname: alert, ...about });
  const chosen = labels.map(([name, value]) => `${name}="${value}"`).join(',');
  const test = {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            expr: `count(ALERTS{${chosen}}) or vector(0)`,
            eval_time: at,
            exp_samples: [{ labels: '{}', value: times }],
          },
        ],
      },
    ],
  };
  const folder = mkdtempSync(join(tmpdir(), 'breakwater-alerts-'));
  try {
    const file = join(folder, 'test.yaml');
    writeFileSync(file, stringify(test));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    return status === 0 ? 'as expected' : `${stdout}${stderr}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const firing = cases.filter(({ about }) => about !== undefined);
const silent = cases.filter(({ about }) => about === undefined);

it('every rule has a case in which it fires, and no case is of a rule that there is not', () => {
  const { groups } = parse(readFileSync(rules, 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
  };
  const alerts = groups.flatMap((group) => group.rules.map(({ alert }) => alert));
  expect(alerts.toSorted()).toEqual([...new Set(firing.map(({ alert }) => alert))].toSorted());
  expect(alerts).toEqual(expect.arrayContaining(silent.map(({ alert }) => alert)));
});

it.runIf(hasPromtool).each(firing)('$alert fires at $at, for $about', (given) => {
  expect(evaluated(given, 1)).toBe('as expected');
});

it.runIf(hasPromtool).each(silent)('$alert stays silent below its threshold', (given) => {
  expect(evaluated(given, 0)).toBe('as expected');
});
