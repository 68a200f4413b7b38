import { metric, type MetricDefinition, TOLD } from './metric-definition.ts';

/** The metrics of limiters, caches, pools, batches, monitors and of telemetry itself, by their names inside the library. */
export type SourceMetricName =
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
  | 'poolCreated'
  | 'poolWaitTime'
  | 'poolUseTime'
  | 'poolDestroyed'
  | 'workersRunning'
  | 'workersSize'
  | 'workersQueued'
  | 'workerTasks'
  | 'workerWaitTime'
  | 'workerRunTime'
  | 'batches'
  | 'batchKeys'
  | 'batchSize'
  | 'batchWaitTime'
  | 'batchTime'
  | 'operations'
  | 'operationTime'
  | 'folded';

/** From 0.1 ms on: a wait is worth seeing long before it is as long as a request. */
const WAIT_BUCKETS_MS: readonly number[] = Object.freeze([
  0.1, 0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
]);
const SIZE_BUCKETS: readonly number[] = Object.freeze([1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]);

/** What is measured beside pipelines. */
export const sourceMetrics: Readonly<Record<SourceMetricName, MetricDefinition>> = Object.freeze({
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
    'up-down counter',
    ['db.client.connection.count', 'breakwater_connection_pool_connections'],
    ['pool', 'connectionState'],
    'Resources of a pool, by whether they are lent.',
    { unit: '{connection}' },
  ),
  poolPending: metric(
    'up-down counter',
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
    'How long it took to make a resource; of a pool of pg nobody knows, since that makes its own.',
    { unit: 's', ...TOLD },
  ),
  poolAcquired: metric(
    'counter',
    ['breakwater.connection_pool.acquired', 'breakwater_connection_pool_acquired_total'],
    ['pool'],
    'How often a resource was lent.',
    { unit: '{loan}' },
  ),
  poolCreated: metric(
    'counter',
    ['breakwater.connection_pool.created', 'breakwater_connection_pool_created_total'],
    ['pool'],
    'Resources that were made.',
    { unit: '{connection}' },
  ),
  poolWaitTime: metric(
    'histogram',
    ['db.client.connection.wait_time', 'breakwater_connection_pool_wait_seconds'],
    ['pool'],
    'How long borrowers waited for the resource that they got.',
    { unit: 's', buckets: WAIT_BUCKETS_MS, ...TOLD },
  ),
  poolUseTime: metric(
    'histogram',
    ['db.client.connection.use_time', 'breakwater_connection_pool_use_seconds'],
    ['pool'],
    'How long resources were lent, from the loan to the return.',
    { unit: 's', ...TOLD },
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
  workerWaitTime: metric(
    'histogram',
    ['breakwater.worker_pool.wait', 'breakwater_worker_pool_wait_seconds'],
    ['workers'],
    'How long tasks waited for the worker that they got.',
    { unit: 'ms', buckets: WAIT_BUCKETS_MS, ...TOLD },
  ),
  workerRunTime: metric(
    'histogram',
    ['breakwater.worker_pool.duration', 'breakwater_worker_pool_task_seconds'],
    ['workers', 'outcome', 'error'],
    'How long tasks ran, without their wait; one that was timed out or aborted, until then.',
    { unit: 'ms', ...TOLD },
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
  batchSize: metric(
    'histogram',
    ['breakwater.batcher.batch.size', 'breakwater_batcher_batch_keys'],
    ['batcher', 'reason'],
    'How many keys batches held.',
    { unit: '{key}', buckets: SIZE_BUCKETS, ...TOLD },
  ),
  batchWaitTime: metric(
    'histogram',
    ['breakwater.batcher.wait', 'breakwater_batcher_wait_seconds'],
    ['batcher', 'reason'],
    'How long the first key of a batch waited for others.',
    { unit: 'ms', buckets: WAIT_BUCKETS_MS, ...TOLD },
  ),
  batchTime: metric(
    'histogram',
    ['breakwater.batcher.duration', 'breakwater_batcher_batch_seconds'],
    ['batcher', 'outcome', 'error'],
    'How long batch functions took. One that gave errors for some of its keys was `successful`.',
    { unit: 'ms', ...TOLD },
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
