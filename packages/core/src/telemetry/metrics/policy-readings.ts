/** What policies count anyway, read by their shape: telemetry knows no policy by its room. */
import type { Report } from './report.ts';

/** A policy as it is seen from here. */
export interface MeasuredPolicy {
  readonly kind: string;
  readonly name?: string;
}

interface RetryShape {
  readonly statistics: {
    readonly retries: number;
    readonly succeededFirst: number;
    readonly succeededAfterRetry: number;
    readonly failed: number;
    readonly attemptsHistogram: readonly number[];
  };
}

interface BreakerShape {
  readonly state: 'closed' | 'open' | 'half-open' | 'isolated';
  readonly failureRatio: number;
  readonly slowCallRatio: number;
}

interface PermitsShape {
  readonly running: number;
  readonly queued: number;
  readonly admitted: number;
  readonly refused: number;
  readonly refusedAfterWait: number;
  readonly withdrawn: number;
}

interface HedgeShape {
  readonly statistics: {
    readonly hedges: number;
    readonly answeredByFirst: number;
    readonly answeredByHedge: number;
    readonly failed: number;
  };
}

/** The pipeline and the name of a policy: the first labels of all its metrics. */
type Owner = readonly [pipeline: string | undefined, name: string];

type ReadPolicy = (policy: never, report: Report, ...of: Owner) => void;

const readRetry = ({ statistics }: RetryShape, report: Report, ...of: Owner): void => {
  const endedByFirst = statistics.attemptsHistogram[0] ?? 0;
  const failedByFirst = Math.max(0, endedByFirst - statistics.succeededFirst);
  report('retryCalls', statistics.succeededFirst, ...of, 'successful_without_retry');
  report('retryCalls', statistics.succeededAfterRetry, ...of, 'successful_with_retry');
  report('retryCalls', failedByFirst, ...of, 'failed_without_retry');
  report('retryCalls', Math.max(0, statistics.failed - failedByFirst), ...of, 'failed_with_retry');
  report('retries', statistics.retries, ...of);
};

/** The states of a breaker as resilience4j's users know them. */
export const breakerStates: Readonly<Record<string, string>> = Object.freeze({
  closed: 'closed',
  open: 'open',
  'half-open': 'half_open',
  isolated: 'forced_open',
});

const readBreaker = (breaker: BreakerShape, report: Report, ...of: Owner): void => {
  for (const [state, told] of Object.entries(breakerStates)) {
    report('breakerState', breaker.state === state ? 1 : 0, ...of, told);
  }
  report('breakerFailureRatio', breaker.failureRatio, ...of);
  report('breakerSlowCallRatio', breaker.slowCallRatio, ...of);
};

const readPermits = (
  metric: 'bulkheadCalls' | 'concurrencyCalls',
  { admitted, refused, refusedAfterWait, withdrawn }: PermitsShape,
  report: Report,
  ...of: Owner
): void => {
  report(metric, admitted, ...of, 'admitted');
  report(metric, refused + refusedAfterWait, ...of, 'refused');
  report(metric, withdrawn, ...of, 'withdrawn');
};

const readBulkhead = (
  { statistics, options }: { readonly statistics: PermitsShape; readonly options: { readonly maxConcurrent: number } },
  report: Report,
  ...of: Owner
): void => {
  report('bulkheadLimit', options.maxConcurrent, ...of);
  report('bulkheadAvailable', options.maxConcurrent - statistics.running, ...of);
  report('bulkheadQueued', statistics.queued, ...of);
  readPermits('bulkheadCalls', statistics, report, ...of);
};

const readAdaptive = (
  policy: {
    readonly limit: number;
    readonly inflight: number;
    readonly queued: number;
    readonly statistics: PermitsShape;
  },
  report: Report,
  ...of: Owner
): void => {
  report('concurrencyLimit', policy.limit, ...of);
  report('concurrencyInflight', policy.inflight, ...of);
  report('concurrencyQueued', policy.queued, ...of);
  readPermits('concurrencyCalls', policy.statistics, report, ...of);
};

const readHedge = ({ statistics }: HedgeShape, report: Report, ...of: Owner): void => {
  report('hedgeCalls', statistics.answeredByFirst, ...of, 'first');
  report('hedgeCalls', statistics.answeredByHedge, ...of, 'hedge');
  report('hedgeCalls', statistics.failed, ...of, 'none');
  report('hedges', statistics.hedges, ...of);
};

const readThrottling = ({ rejectionRatio }: { readonly rejectionRatio: number }, report: Report, ...of: Owner): void =>
  report('throttlingRatio', rejectionRatio, ...of);

const readShedding = (
  {
    load,
    statistics,
  }: {
    readonly load: number;
    readonly statistics: {
      readonly admitted: number;
      readonly refusedByPriority: Readonly<Record<string, number>>;
    };
  },
  report: Report,
  ...of: Owner
): void => {
  report('sheddingLoad', load, ...of);
  report('sheddingCalls', statistics.admitted, ...of, 'admitted', undefined);
  for (const [priority, refused] of Object.entries(statistics.refusedByPriority))
    report('sheddingCalls', refused, ...of, 'refused', priority);
};

/** By the kind of policy: how it is read, and what only a policy of that shape has; a user's own may be called alike. */
const readers: Readonly<Record<string, { readonly has: string; readonly read: ReadPolicy }>> = Object.freeze({
  retry: { has: 'statistics', read: readRetry },
  'circuit-breaker': { has: 'failureRatio', read: readBreaker },
  bulkhead: { has: 'statistics', read: readBulkhead },
  'adaptive-concurrency': { has: 'statistics', read: readAdaptive },
  hedge: { has: 'statistics', read: readHedge },
  'client-throttling': { has: 'rejectionRatio', read: readThrottling },
  shedding: { has: 'statistics', read: readShedding },
});

/** Reports what `policy` knows of itself; nothing for one that counts nothing, or is a user's own. */
export function readPolicy(policy: MeasuredPolicy, report: Report, pipeline: string | undefined, name: string): void {
  const reader = Object.hasOwn(readers, policy.kind) ? readers[policy.kind] : undefined;
  if (reader !== undefined && reader.has in policy) reader.read(policy as never, report, pipeline, name);
}
