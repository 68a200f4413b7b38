/** What a status page needs of a registry: that of `breakwater/registry` has it. */
import type { AnyEventSource } from '../../policy/policy.ts';
import type { AlertStatus } from '../alerts/alert.ts';
import type { HealthReport } from '../health/health.ts';
import type { PerformanceSnapshot } from '../performance-monitor.ts';

/** A policy as a registry lists it. */
export interface ListedPolicy {
  readonly kind: string;
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly state: Readonly<Record<string, unknown>>;
  readonly policies?: readonly ListedPolicy[];
}

/** A pipeline as a registry lists it. */
export interface ListedPipeline {
  readonly name: string;
  readonly busy: number;
  readonly policies: readonly ListedPolicy[];
}

/** A pipeline itself: its events, and its policies in the order in which they are listed. */
export interface WatchedPipeline extends AnyEventSource {
  readonly policies: readonly object[];
}

/** Pipelines by name. */
export interface StatusRegistry {
  list(): readonly ListedPipeline[];
  get(name: string): WatchedPipeline;
}

/** A cache: what it counts. */
export interface StatusCache {
  readonly statistics: {
    readonly memoryHits: number;
    readonly tierHits: number;
    readonly staleHits: number;
    readonly misses: number;
    readonly loads: number;
    readonly loadFailures: number;
    readonly entries: number;
    readonly evicted: number;
  };
}

/** A limiter that stands in no pipeline: what it counts. */
export interface StatusLimiter {
  readonly statistics: {
    readonly admitted: number;
    readonly refused: number;
    readonly waiting: number;
    readonly keys: number;
  };
}

/** A connection pool: what it counts. */
export interface StatusConnections {
  readonly statistics: {
    readonly idle: number;
    readonly inUse: number;
    readonly waiting: number;
    readonly acquired: number;
    readonly created: number;
    readonly timedOut: number;
    readonly waitMs: { readonly p95: number };
    readonly useMs: { readonly p95: number };
  };
}

/** A worker pool: what it counts. */
export interface StatusWorkers {
  readonly statistics: {
    readonly running: number;
    readonly queued: number;
    readonly workers: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly refused: number;
    readonly waitMs: { readonly p95: number };
    readonly runMs: { readonly p95: number };
  };
}

/** A batcher: what it counts. */
export interface StatusBatcher {
  readonly statistics: {
    readonly batches: number;
    readonly keys: number;
    readonly shared: number;
    readonly failed: number;
  };
}

/** What times operations, such as a performance monitor. */
export interface StatusMonitor {
  snapshot(): PerformanceSnapshot;
}

/** What knows whether the service is well, such as health checks. */
export interface StatusHealth {
  check(): Promise<HealthReport>;
}

/** What watches numbers, such as alerts by rules. */
export interface StatusAlerts {
  readonly status: readonly AlertStatus[];
}

/** What a breaker can be told. */
export interface CommandedBreaker {
  readonly state: string;
  isolate(reason?: string): () => void;
  reset(): void;
}

/** The breaker at a place of a pipeline, `2` or `2.0` in a pipeline that stands in its row; undefined where none is. */
export function breakerAt(pipeline: WatchedPipeline, place: string): CommandedBreaker | undefined {
  let policies: readonly object[] | undefined = pipeline.policies;
  let found: object | undefined;
  for (const index of place.split('.')) {
    found = /^\d{1,4}$/.test(index) ? policies?.[Number(index)] : undefined;
    ({ policies } = (found ?? {}) as Partial<WatchedPipeline>);
  }
  const { isolate, reset } = (found ?? {}) as Partial<CommandedBreaker>;
  return typeof isolate === 'function' && typeof reset === 'function' ? (found as CommandedBreaker) : undefined;
}
