import { ConfigurationError } from '../../errors/configuration-error.ts';
import { describe } from '../../options/resolve.ts';
import type { EventTeller } from '../event-teller.ts';
import { PerformanceMonitor } from '../performance-monitor.ts';
import type { ToldEvent } from './event-metrics.ts';
import type { MeasuredPipeline } from './measured-pipeline.ts';
import type { MeasuredPolicy } from './policy-readings.ts';
import { isPipeline, type PolicyReading } from './readings.ts';
import type { Report } from './report.ts';
import {
  type BatcherShape,
  type CacheShape,
  type LimiterShape,
  type PoolShape,
  readBatcher,
  readCache,
  readMonitor,
  readPool,
  readWorkers,
  type WorkersShape,
} from './source-readings.ts';

/**
 * What can be watched: a pipeline with all its policies, a policy that is used by itself, a rate limiter, a cache, a
 * connection pool, a worker pool, a batcher, a performance monitor.
 */
export type MetricSource =
  | MeasuredPipeline
  | MeasuredPolicy
  | LimiterShape
  | CacheShape
  | PoolShape
  | WorkersShape
  | BatcherShape
  | PerformanceMonitor;

/** How a source is read, and where it tells its events. */
export interface SourceAccess {
  read(reading: PolicyReading, report: Report): void;
  /** Calls `hear` at each event that is worth a measurement; returns what ends that. */
  listen(hear: (event: ToldEvent) => void): () => void;
}

/** By what only such a source counts. */
const byStatistics: readonly (readonly [statistic: string, read: (source: never, report: Report) => void])[] = [
  ['memoryHits', readCache],
  ['createFailed', readPool],
  ['workers', readWorkers],
  ['batches', readBatcher],
];

/**
 * How `source` is watched.
 *
 * @throws ConfigurationError when it is nothing that can be watched.
 */
export function accessTo(source: MetricSource): SourceAccess {
  if (typeof source !== 'object' || source === null) throw unknownSource(source);
  const listen = listenerOf(source);
  if (source instanceof PerformanceMonitor) return { listen, read: (_, report) => readMonitor(source, report) };
  if (isPipeline(source)) return { listen, read: (reading) => reading.pipeline(source) };
  if ('kind' in source) return { listen, read: (reading) => reading.policy(source, undefined) };
  if (counts(source, 'refusedBy')) return { listen, read: (reading) => reading.limiter(source as LimiterShape) };
  const known = byStatistics.find(([statistic]) => counts(source, statistic));
  if (known !== undefined) return { listen, read: (_, report) => known[1](source as never, report) };
  throw unknownSource(source);
}

/** Whether a source has a statistic of this name. */
function counts(source: object, statistic: string): boolean {
  const { statistics } = source as { readonly statistics?: unknown };
  return typeof statistics === 'object' && statistics !== null && statistic in statistics;
}

function unknownSource(source: unknown): ConfigurationError {
  const expected = 'a pipeline, policy, limiter, cache, connection pool, worker pool, batcher or performance monitor';
  return new ConfigurationError([{ path: 'watch', expected, received: describe(source) }]);
}

/** What a cache tells at each question and load it counts as well: to build an event each time would be in vain. */
const CACHE_EVENTS: readonly string[] = [
  'cache-load',
  'cache-load-failed',
  'cache-late-load',
  'cache-tier-failed',
  'cache-tier-state',
  'cache-poison',
  'cache-lost',
  'cache-bus',
  'hook-failed',
];

function listenerOf(source: MetricSource): SourceAccess['listen'] {
  const from = ('on' in source ? source : (source as { readonly events?: unknown }).events) as EventTeller | undefined;
  const types = counts(source, 'memoryHits') ? CACHE_EVENTS : ['*'];
  return (hear) => {
    const stops = types.map((type) => from?.on(type as never, hear as never));
    return () => {
      for (const stop of stops) stop?.();
    };
  };
}
