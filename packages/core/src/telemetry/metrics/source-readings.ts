/** What limiters, caches, pools, batchers and monitors count anyway, read by their shape. */
import type { PerformanceMonitor } from '../performance-monitor.ts';
import type { Report } from './report.ts';

/** A limiter's {@link Report}ed statistics. */
export interface LimiterShape {
  readonly name: string;
  readonly statistics: {
    readonly admitted: number;
    readonly refused: number;
    readonly refusedBy: Readonly<Record<string, number>>;
    readonly shadowRefused: number;
    readonly withdrawn: number;
    readonly dropped: number;
    readonly waiting: number;
    readonly keys: number;
  };
}

export function readLimiter({ name, statistics }: LimiterShape, report: Report): void {
  const { admitted, refused, withdrawn, dropped, shadowRefused } = statistics;
  const kinds = { admitted, refused, withdrawn, dropped, shadow_refused: shadowRefused };
  for (const [kind, count] of Object.entries(kinds)) report('limiterRequests', count, name, kind);
  for (const [limit, count] of Object.entries(statistics.refusedBy)) report('limiterRefusals', count, name, limit);
  report('limiterWaiting', statistics.waiting, name);
  report('limiterKeys', statistics.keys, name);
}

export interface CacheShape {
  readonly name: string;
  readonly statistics: {
    readonly memoryHits: number;
    readonly tierHits: number;
    readonly staleHits: number;
    readonly misses: number;
    readonly loads: number;
    readonly loadFailures: number;
    readonly sharedFlights: number;
    readonly entries: number;
    readonly evicted: number;
    readonly expired: number;
    readonly idle: number;
    readonly tierFailures: number;
  };
}

export function readCache({ name, statistics }: CacheShape, report: Report): void {
  report('cacheGets', statistics.memoryHits, name, 'hit', 'memory');
  report('cacheGets', statistics.tierHits, name, 'hit', 'second');
  report('cacheGets', statistics.staleHits, name, 'stale', undefined);
  report('cacheGets', statistics.misses, name, 'miss', undefined);
  report('cacheLoads', statistics.loads, name, 'started');
  report('cacheLoads', statistics.loadFailures, name, 'failed');
  report('cacheLoads', statistics.sharedFlights, name, 'shared');
  report('cacheEntries', statistics.entries, name);
  for (const cause of ['evicted', 'expired', 'idle'] as const) report('cacheRemovals', statistics[cause], name, cause);
  report('cacheTierFailures', statistics.tierFailures, name);
}

export interface PoolShape {
  readonly name: string;
  readonly statistics: {
    readonly idle: number;
    readonly inUse: number;
    readonly waiting: number;
    readonly acquired: number;
    readonly created: number;
    readonly timedOut: number;
    readonly destroyed: Readonly<Record<string, number>>;
  };
}

export function readPool({ name, statistics }: PoolShape, report: Report): void {
  const { idle, inUse } = statistics;
  report('poolConnections', idle, name, 'idle');
  report('poolConnections', inUse, name, 'used');
  report('poolPending', statistics.waiting, name);
  report('poolTimeouts', statistics.timedOut, name);
  report('poolAcquired', statistics.acquired, name);
  report('poolCreated', statistics.created, name);
  for (const [cause, count] of Object.entries(statistics.destroyed)) report('poolDestroyed', count, name, cause);
}

export interface WorkersShape {
  readonly name: string;
  readonly statistics: {
    readonly running: number;
    readonly queued: number;
    readonly workers: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly timedOut: number;
    readonly aborted: number;
    readonly refused: number;
  };
}

export function readWorkers({ name, statistics }: WorkersShape, report: Report): void {
  const { succeeded, failed, timedOut, aborted, refused } = statistics;
  report('workersRunning', statistics.running, name);
  report('workersSize', statistics.workers, name);
  report('workersQueued', statistics.queued, name);
  const kinds = { successful: succeeded, failed: failed - timedOut, timed_out: timedOut, aborted, refused };
  for (const [kind, count] of Object.entries(kinds)) report('workerTasks', count, name, kind);
}

export interface BatcherShape {
  readonly name: string;
  readonly statistics: {
    readonly batches: number;
    readonly keys: number;
    readonly shared: number;
    readonly failed: number;
  };
}

export function readBatcher({ name, statistics }: BatcherShape, report: Report): void {
  const { batches, keys, shared, failed } = statistics;
  report('batches', batches, name);
  report('batchKeys', keys, name, 'sent');
  report('batchKeys', failed, name, 'failed');
  report('batchKeys', shared, name, 'shared');
}

export function readMonitor(monitor: PerformanceMonitor, report: Report): void {
  for (const [operation, statistics] of Object.entries(monitor.snapshot().operations)) {
    const { count, errors, p50Ms, p95Ms, p99Ms, p999Ms } = statistics;
    report('operations', count - errors, operation, 'successful');
    report('operations', errors, operation, 'failed');
    const percentiles = { 50: p50Ms, 95: p95Ms, 99: p99Ms, 99.9: p999Ms };
    for (const [percentile, ms] of Object.entries(percentiles)) report('operationTime', ms, operation, percentile);
  }
}
