import type { LabelName } from './labels.ts';

/** What is measured: one row of the table in docs/operations/metrics.md. */
export interface MetricDefinition {
  /** `counter` adds up, `histogram` keeps a distribution, `gauge` is what is there now. */
  readonly kind: 'counter' | 'histogram' | 'gauge';
  /** The name in OpenTelemetry: a semantic convention where there is one, otherwise as Polly names it; undefined where another row says it. */
  readonly openTelemetry: string | undefined;
  /** The name in Prometheus: that of resilience4j or Micrometer where they have it. */
  readonly prometheus: string;
  /** The unit in OpenTelemetry. In Prometheus, times are in seconds. */
  readonly unit: string;
  readonly labels: readonly LabelName[];
  readonly description: string;
  /** True where it is read from what something counts anyway, when somebody collects: it costs a call nothing. */
  readonly observed: boolean;
  /** How what several policies of one name have makes one number: their `sum` (default), or the `max`imum. */
  readonly combine?: 'max';
  /** What a value is multiplied by in Prometheus, beside milliseconds that become seconds. */
  readonly prometheusScale?: number;
}

/** The name of a metric inside the library. */
export type MetricName =
  | 'calls'
  | 'attempts'
  | 'events'
  | 'retryCalls'
  | 'retries'
  | 'breakerState'
  | 'breakerTransitions'
  | 'breakerRejected'
  | 'breakerFailureRatio'
  | 'breakerSlowCallRatio'
  | 'breakerCalls'
  | 'timeouts'
  | 'bulkheadLimit'
  | 'bulkheadAvailable'
  | 'bulkheadQueued'
  | 'bulkheadCalls'
  | 'concurrencyLimit'
  | 'concurrencyInflight'
  | 'concurrencyQueued'
  | 'concurrencyCalls'
  | 'throttlingRatio'
  | 'hedgeCalls'
  | 'hedges'
  | 'fallbacks'
  | 'keys'
  | 'limiterRequests'
  | 'limiterRefusals'
  | 'limiterWaiting'
  | 'limiterKeys'
  | 'cacheGets'
  | 'cacheLoads'
  | 'cacheLoadTime'
  | 'cacheEntries'
  | 'cacheRemovals'
  | 'cacheTierFailures'
  | 'poolConnections'
  | 'poolPending'
  | 'poolTimeouts'
  | 'poolCreateTime'
  | 'poolAcquired'
  | 'poolWait'
  | 'poolDestroyed'
  | 'workersRunning'
  | 'workersSize'
  | 'workersQueued'
  | 'workerTasks'
  | 'batches'
  | 'batchKeys'
  | 'operations'
  | 'operationTime'
  | 'folded';

type Given = Omit<MetricDefinition, 'observed' | 'kind' | 'openTelemetry' | 'prometheus' | 'description' | 'labels'>;

function metric(
  kind: MetricDefinition['kind'],
  [openTelemetry, prometheus]: readonly [string | undefined, string],
  labels: readonly LabelName[],
  description: string,
  given: Given & { readonly observed?: boolean },
): MetricDefinition {
  return Object.freeze({
    kind,
    openTelemetry,
    prometheus,
    labels: Object.freeze(labels),
    description,
    ...given,
    observed: given.observed ?? true,
  });
}

const OF_POLICY: readonly LabelName[] = ['pipeline', 'policy'];
const CALL = { unit: '{call}' } as const;
const TOLD = { observed: false } as const;

/** All metrics. */
export const metricCatalog: Readonly<Record<MetricName, MetricDefinition>> = Object.freeze({
  calls: metric(
    'histogram',
    ['resilience.polly.pipeline.duration', 'breakwater_pipeline_calls_seconds'],
    ['pipeline', 'outcome', 'error', 'key'],
    'How long calls took, waits included.',
    { unit: 'ms', ...TOLD },
  ),
  attempts: metric(
    'histogram',
    ['resilience.polly.strategy.attempt.duration', 'breakwater_attempts_seconds'],
    ['pipeline', 'outcome', 'attempt', 'error', 'key'],
    'How long runs of the function took.',
    { unit: 'ms', ...TOLD },
  ),
  events: metric(
    'counter',
    ['resilience.polly.strategy.events', 'breakwater_events_total'],
    ['pipeline', 'policy', 'event', 'severity', 'error'],
    'What policies have told, ends of calls and attempts not counted.',
    { unit: '{event}', ...TOLD },
  ),
  retryCalls: metric(
    'counter',
    ['breakwater.retry.calls', 'resilience4j_retry_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls by how they ended: `successful_without_retry`, `successful_with_retry`, `failed_without_retry`, `failed_with_retry`.',
    CALL,
  ),
  retries: metric(
    'counter',
    ['breakwater.retry.retries', 'breakwater_retry_retries_total'],
    OF_POLICY,
    'Attempts beyond the first.',
    { unit: '{attempt}' },
  ),
  breakerState: metric(
    'gauge',
    ['breakwater.circuit_breaker.state', 'resilience4j_circuitbreaker_state'],
    [...OF_POLICY, 'state'],
    'How many breakers of this name are `closed`, `open`, `half_open`, `forced_open` (isolated): of one breaker, 1 for its state and 0 for the others.',
    { unit: '{breaker}' },
  ),
  breakerTransitions: metric(
    'counter',
    ['breakwater.circuit_breaker.transitions', 'breakwater_circuitbreaker_transitions_total'],
    [...OF_POLICY, 'state'],
    'How often a breaker came into a state: `closed`, `open`, `half_open`, `forced_open`.',
    { unit: '{transition}', ...TOLD },
  ),
  breakerRejected: metric(
    'counter',
    ['breakwater.circuit_breaker.rejected_calls', 'resilience4j_circuitbreaker_not_permitted_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls that a breaker refused; the kind is always `not_permitted`.',
    { ...CALL, ...TOLD },
  ),
  breakerFailureRatio: metric(
    'gauge',
    ['breakwater.circuit_breaker.failure_ratio', 'resilience4j_circuitbreaker_failure_rate'],
    OF_POLICY,
    'Failures among the calls that a breaker remembers; in Prometheus in percent.',
    { unit: '1', combine: 'max', prometheusScale: 100 },
  ),
  breakerSlowCallRatio: metric(
    'gauge',
    ['breakwater.circuit_breaker.slow_call_ratio', 'resilience4j_circuitbreaker_slow_call_rate'],
    OF_POLICY,
    'Slow calls among those that a breaker remembers; in Prometheus in percent.',
    { unit: '1', combine: 'max', prometheusScale: 100 },
  ),
  breakerCalls: metric(
    'histogram',
    [undefined, 'resilience4j_circuitbreaker_calls_seconds'],
    [...OF_POLICY, 'kind'],
    'How long runs of the function took in a pipeline with a breaker: `successful` or `failed`.',
    { unit: 'ms', ...TOLD },
  ),
  timeouts: metric(
    'counter',
    ['breakwater.timeout.calls', 'resilience4j_timelimiter_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls whose time ran out; the kind is always `timeout`.',
    { ...CALL, ...TOLD },
  ),
  bulkheadLimit: metric(
    'gauge',
    ['breakwater.bulkhead.max_concurrent', 'resilience4j_bulkhead_max_allowed_concurrent_calls'],
    OF_POLICY,
    'How many calls may run at once.',
    CALL,
  ),
  bulkheadAvailable: metric(
    'gauge',
    ['breakwater.bulkhead.available', 'resilience4j_bulkhead_available_concurrent_calls'],
    OF_POLICY,
    'How many more calls may run now.',
    CALL,
  ),
  bulkheadQueued: metric(
    'gauge',
    ['breakwater.bulkhead.queued', 'resilience4j_bulkhead_queue_depth'],
    OF_POLICY,
    'Calls that wait.',
    CALL,
  ),
  bulkheadCalls: metric(
    'counter',
    ['breakwater.bulkhead.calls', 'breakwater_bulkhead_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls by what became of them: `admitted`, `refused`, `withdrawn`.',
    CALL,
  ),
  concurrencyLimit: metric(
    'gauge',
    ['breakwater.adaptive_concurrency.limit', 'breakwater_adaptive_concurrency_limit'],
    OF_POLICY,
    'The limit that was found.',
    CALL,
  ),
  concurrencyInflight: metric(
    'gauge',
    ['breakwater.adaptive_concurrency.inflight', 'breakwater_adaptive_concurrency_inflight'],
    OF_POLICY,
    'Calls that run.',
    CALL,
  ),
  concurrencyQueued: metric(
    'gauge',
    ['breakwater.adaptive_concurrency.queued', 'breakwater_adaptive_concurrency_queued'],
    OF_POLICY,
    'Calls that wait.',
    CALL,
  ),
  concurrencyCalls: metric(
    'counter',
    ['breakwater.adaptive_concurrency.calls', 'breakwater_adaptive_concurrency_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls by what became of them: `admitted`, `refused`, `withdrawn`.',
    CALL,
  ),
  throttlingRatio: metric(
    'gauge',
    ['breakwater.client_throttling.rejection_ratio', 'breakwater_client_throttling_rejection_ratio'],
    OF_POLICY,
    'The probability with which the next call is refused.',
    { unit: '1', combine: 'max' },
  ),
  hedgeCalls: metric(
    'counter',
    ['breakwater.hedge.calls', 'breakwater_hedge_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls by who answered: `first`, `hedge`, or `none`.',
    CALL,
  ),
  hedges: metric(
    'counter',
    ['breakwater.hedge.attempts', 'breakwater_hedge_attempts_total'],
    OF_POLICY,
    'Attempts that were begun beside the first.',
    { unit: '{attempt}' },
  ),
  fallbacks: metric(
    'counter',
    ['breakwater.fallback.calls', 'breakwater_fallback_calls_total'],
    [...OF_POLICY, 'kind'],
    'Failed calls for which a substitute was made: `successful`, or `failed` where that could not be.',
    { ...CALL, ...TOLD },
  ),
  keys: metric('gauge', ['breakwater.keyed.keys', 'breakwater_keyed_keys'], OF_POLICY, 'Keys that are remembered.', {
    unit: '{key}',
  }),
  limiterRequests: metric(
    'counter',
    ['breakwater.rate_limiter.requests', 'breakwater_ratelimiter_requests_total'],
    ['limiter', 'kind'],
    'Requests by what became of them: `admitted`, `refused`, `withdrawn`, `dropped`, `shadow_refused`.',
    { unit: '{request}' },
  ),
  limiterRefusals: metric(
    'counter',
    ['breakwater.rate_limiter.refusals', 'breakwater_ratelimiter_refusals_total'],
    ['limiter', 'limit'],
    'Refused requests by what refused them.',
    { unit: '{request}' },
  ),
  limiterWaiting: metric(
    'gauge',
    ['breakwater.rate_limiter.waiting', 'resilience4j_ratelimiter_waiting_threads'],
    ['limiter'],
    'Requests that wait.',
    { unit: '{request}' },
  ),
  limiterKeys: metric(
    'gauge',
    ['breakwater.rate_limiter.keys', 'breakwater_ratelimiter_keys'],
    ['limiter'],
    'Keys that are remembered.',
    { unit: '{key}' },
  ),
  cacheGets: metric(
    'counter',
    ['breakwater.cache.gets', 'cache_gets_total'],
    ['cache', 'result', 'tier'],
    'Questions by what they found: `hit`, `stale` or `miss`.',
    { unit: '{request}' },
  ),
  cacheLoads: metric(
    'counter',
    ['breakwater.cache.loads', 'breakwater_cache_loads_total'],
    ['cache', 'kind'],
    'Loads that were `started`, that `failed`, and callers who `shared` that of another.',
    { unit: '{load}' },
  ),
  cacheLoadTime: metric(
    'histogram',
    ['breakwater.cache.load.duration', 'cache_load_duration_seconds'],
    ['cache', 'outcome', 'error'],
    'How long loads took.',
    { unit: 'ms', ...TOLD },
  ),
  cacheEntries: metric('gauge', ['breakwater.cache.entries', 'cache_size'], ['cache'], 'Entries in memory.', {
    unit: '{entry}',
  }),
  cacheRemovals: metric(
    'counter',
    ['breakwater.cache.removals', 'cache_evictions_total'],
    ['cache', 'cause'],
    'Entries that left memory by themselves: `evicted`, `expired`, `idle`.',
    { unit: '{entry}' },
  ),
  cacheTierFailures: metric(
    'counter',
    ['breakwater.cache.tier.failures', 'breakwater_cache_tier_failures_total'],
    ['cache'],
    'Readings and writings of the second tier that failed or took too long.',
    { unit: '{operation}' },
  ),
  poolConnections: metric(
    'gauge',
    ['db.client.connection.count', 'breakwater_connection_pool_connections'],
    ['pool', 'connectionState'],
    'Resources of a pool, by whether they are lent.',
    { unit: '{connection}' },
  ),
  poolPending: metric(
    'gauge',
    ['db.client.connection.pending_requests', 'breakwater_connection_pool_pending'],
    ['pool'],
    'Who waits for a resource.',
    { unit: '{request}' },
  ),
  poolTimeouts: metric(
    'counter',
    ['db.client.connection.timeouts', 'breakwater_connection_pool_timeouts_total'],
    ['pool'],
    'Who has waited too long for a resource.',
    { unit: '{timeout}' },
  ),
  poolCreateTime: metric(
    'histogram',
    ['db.client.connection.create_time', 'breakwater_connection_pool_create_seconds'],
    ['pool'],
    'How long it took to make a resource.',
    { unit: 's', ...TOLD },
  ),
  poolAcquired: metric(
    'counter',
    ['breakwater.connection_pool.acquired', 'breakwater_connection_pool_acquired_total'],
    ['pool'],
    'How often a resource was lent.',
    { unit: '{loan}' },
  ),
  poolWait: metric(
    'gauge',
    ['breakwater.connection_pool.wait', 'breakwater_connection_pool_wait_seconds'],
    ['pool', 'percentile'],
    'How long borrowers have waited, since the beginning.',
    { unit: 'ms', combine: 'max' },
  ),
  poolDestroyed: metric(
    'counter',
    ['breakwater.connection_pool.destroyed', 'breakwater_connection_pool_destroyed_total'],
    ['pool', 'cause'],
    'Resources that were ended: `lost`, `broken`, `unhealthy`, `recycled`, `idle`, `surplus`, `closed`.',
    { unit: '{connection}' },
  ),
  workersRunning: metric(
    'gauge',
    ['breakwater.worker_pool.running', 'breakwater_worker_pool_running'],
    ['workers'],
    'Tasks that run.',
    { unit: '{task}' },
  ),
  workersSize: metric(
    'gauge',
    ['breakwater.worker_pool.size', 'breakwater_worker_pool_size'],
    ['workers'],
    'How many tasks may run at once now.',
    { unit: '{task}' },
  ),
  workersQueued: metric(
    'gauge',
    ['breakwater.worker_pool.queued', 'breakwater_worker_pool_queued'],
    ['workers'],
    'Tasks that wait.',
    { unit: '{task}' },
  ),
  workerTasks: metric(
    'counter',
    ['breakwater.worker_pool.tasks', 'breakwater_worker_pool_tasks_total'],
    ['workers', 'kind'],
    'Tasks by what became of them: `successful`, `failed` (those `timed_out` not counted), `timed_out`, `aborted`, `refused`.',
    { unit: '{task}' },
  ),
  batches: metric(
    'counter',
    ['breakwater.batcher.batches', 'breakwater_batcher_batches_total'],
    ['batcher'],
    'Batches.',
    {
      unit: '{batch}',
    },
  ),
  batchKeys: metric(
    'counter',
    ['breakwater.batcher.keys', 'breakwater_batcher_keys_total'],
    ['batcher', 'kind'],
    'Keys that were `sent` in batches, that `failed`, and loads that `shared` the key of another one in their batch.',
    { unit: '{key}' },
  ),
  operations: metric(
    'counter',
    ['breakwater.operation.count', 'breakwater_operations_total'],
    ['operation', 'kind'],
    'Operations that a performance monitor has measured: `successful` or `failed`.',
    { unit: '{operation}' },
  ),
  operationTime: metric(
    'gauge',
    ['breakwater.operation.duration', 'breakwater_operation_duration_seconds'],
    ['operation', 'percentile'],
    'How long they took, since the monitor was reset.',
    { unit: 'ms', combine: 'max' },
  ),
  folded: metric(
    'counter',
    ['breakwater.telemetry.folded', 'breakwater_telemetry_folded_total'],
    ['metric'],
    'Measurements whose labels gave way to `(other)`, because there were too many.',
    { unit: '{measurement}' },
  ),
});
