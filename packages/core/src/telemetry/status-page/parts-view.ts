/** What is shown besides the pipelines: caches, limiters, pools, batchers, operations, health, alerts. */
import type { AlertState } from '../alerts/alert.ts';
import type { HealthReport, HealthStatus } from '../health/health.ts';
import type {
  StatusAlerts,
  StatusBatcher,
  StatusCache,
  StatusConnections,
  StatusLimiter,
  StatusMonitor,
  StatusWorkers,
} from './registry-port.ts';
import {
  type Fact,
  type NoticeView,
  type OperationView,
  type PartView,
  shownMs,
  shownNumber,
  shownRatio,
  type Tone,
} from './view.ts';

type Clean = (text: string) => string;

/** How many operations are shown: those that are called most. */
const MOST_OPERATIONS = 30;

/** How often a cache had what was asked for; undefined before the first question. */
function hitRatioOf({ statistics }: StatusCache): number | undefined {
  const { memoryHits, tierHits, staleHits, misses } = statistics;
  const hits = memoryHits + tierHits + staleHits;
  return hits + misses === 0 ? undefined : hits / (hits + misses);
}

export function cacheView(name: string, cache: StatusCache, clean: Clean): PartView {
  const { memoryHits, tierHits, staleHits, misses, loads, loadFailures, entries, evicted } = cache.statistics;
  const hitRatio = hitRatioOf(cache);
  return {
    name: clean(name),
    tone: hitRatio === undefined ? 'idle' : loads > 0 && loadFailures / loads >= 0.1 ? 'warn' : 'good',
    headline: { label: 'hit ratio', value: hitRatio === undefined ? '–' : shownRatio(hitRatio) },
    facts: numbers({
      entries,
      'memory hits': memoryHits,
      'second-tier hits': tierHits,
      'stale hits': staleHits,
      misses,
      loads,
      'failed loads': loadFailures,
      evicted,
    }),
  };
}

export function limiterView(name: string, { statistics }: StatusLimiter, clean: Clean): PartView {
  const { admitted, refused, waiting, keys } = statistics;
  return {
    name: clean(name),
    tone: waiting > 0 ? 'warn' : admitted + refused === 0 ? 'idle' : 'good',
    headline: { label: 'waiting', value: shownNumber(waiting) },
    facts: numbers({ admitted, refused, keys }),
  };
}

/** How many wait for a place in a pool. */
export const waitingIn = ({ statistics }: StatusConnections | StatusWorkers): number =>
  'inUse' in statistics ? statistics.waiting : statistics.queued;

export function poolView(name: string, pool: StatusConnections | StatusWorkers, clean: Clean): PartView {
  const waiting = waitingIn(pool);
  const { used, facts } = 'inUse' in pool.statistics ? connections(pool.statistics) : workers(pool.statistics);
  return {
    name: clean(name),
    tone: waiting > 0 ? 'warn' : used === 0 ? 'idle' : 'good',
    headline: { label: 'waiting', value: shownNumber(waiting) },
    facts,
  };
}

/** What is shown of a kind of pool, and how often it was used. */
type PoolFacts = { readonly used: number; readonly facts: Fact[] };

function connections(statistics: StatusConnections['statistics']): PoolFacts {
  const { idle, inUse, acquired, created, timedOut, waitMs, useMs } = statistics;
  const counts = numbers({ 'in use': inUse, idle, lent: acquired, made: created, 'waited in vain': timedOut });
  return { used: acquired, facts: [...counts, ...times({ 'wait p95': waitMs.p95, 'use p95': useMs.p95 })] };
}

function workers(statistics: StatusWorkers['statistics']): PoolFacts {
  const { running, workers: size, succeeded, failed, refused, waitMs, runMs } = statistics;
  const counts = numbers({ running, workers: size, succeeded, failed, refused });
  const used = running + succeeded + failed;
  return { used, facts: [...counts, ...times({ 'wait p95': waitMs.p95, 'run p95': runMs.p95 })] };
}

export function batcherView(name: string, { statistics }: StatusBatcher, clean: Clean): PartView {
  const { batches, keys, shared, failed } = statistics;
  return {
    name: clean(name),
    tone: keys === 0 ? 'idle' : failed / keys >= 0.1 ? 'warn' : 'good',
    headline: { label: 'keys per batch', value: batches === 0 ? '–' : shownNumber(keys / batches) },
    facts: numbers({ batches, keys, 'shared loads': shared, 'failed keys': failed }),
  };
}

/** Times that are known: there is none before the first. */
const times = (values: Readonly<Record<string, number>>): Fact[] =>
  Object.entries(values).flatMap(([label, ms]) => (Number.isNaN(ms) ? [] : [{ label, value: shownMs(ms) }]));

const numbers = (values: Readonly<Record<string, number>>): Fact[] =>
  Object.entries(values).map(([label, value]) => ({ label, value: shownNumber(value) }));

/** The operations that are called most, and how many others there are. */
export function operationViews(
  monitor: StatusMonitor | undefined,
  clean: Clean,
): { shown: OperationView[]; more: number } {
  const all = Object.entries(monitor?.snapshot().operations ?? {}).toSorted(([, a], [, b]) => b.count - a.count);
  const shown = all.slice(0, MOST_OPERATIONS).map(([name, { count, errorRatio, p50Ms, p95Ms, p99Ms }]) => ({
    name: clean(name),
    count,
    errorRatio,
    p50Ms,
    p95Ms,
    p99Ms,
  }));
  return { shown, more: all.length - shown.length };
}

const HEALTH_TONES: Readonly<Record<HealthStatus, Tone>> = { healthy: 'good', degraded: 'warn', unhealthy: 'bad' };

export function healthViews(report: HealthReport | undefined, clean: Clean): NoticeView[] {
  return Object.entries(report?.checks ?? {}).map(([name, { status, message, durationMs }]) => ({
    name: clean(name),
    tone: HEALTH_TONES[status],
    state: status,
    message: clean(message ?? `checked in ${shownMs(durationMs)}`),
  }));
}

const ALERT_TONES: Readonly<Record<AlertState, Tone>> = {
  quiet: 'good',
  pending: 'warn',
  firing: 'bad',
  clearing: 'warn',
};

export function alertViews(alerts: StatusAlerts | undefined, clean: Clean): NoticeView[] {
  return (alerts?.status ?? []).map(({ name, state, value, summary, timeInStateMs }) => {
    const measured = value === undefined ? 'nothing measured' : `now ${shownNumber(value)}`;
    const message = `${summary} (${measured}, for ${shownMs(timeInStateMs)})`;
    return { name: clean(name), tone: ALERT_TONES[state], state, message: clean(message) };
  });
}
