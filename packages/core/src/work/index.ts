export { parallelMap, type MapperContext, type ParallelMapOptions } from './parallel-map.ts';
export type { Checkpoint, CheckpointOptions } from './checkpoint.ts';
export type { Source } from './source-reader.ts';
export { workerPool } from './worker-pool.ts';
export {
  workerPoolDefaults,
  type DurationSummary,
  type LateTaskEvent,
  type PoolMapOptions,
  type TaskContext,
  type TaskFailedEvent,
  type TaskOptions,
  type WorkerPool,
  type WorkerPoolCloseOptions,
  type WorkerPoolEvents,
  type WorkerPoolOptions,
  type WorkerPoolStatistics,
  type WorkersChangedEvent,
} from './worker-pool-options.ts';
export type { ConcurrencyPolicy, ConcurrencySample, ScaleByLoadOptions } from './concurrency-policy.ts';
export { scaleByLoad } from './scale-by-load.ts';
export { onThreads, type ThreadPool } from './threads.ts';
export {
  ItemsFailedError,
  TaskTimeoutError,
  WorkerPoolClosedError,
  WorkerPoolFullError,
  type FailedItem,
} from './errors.ts';
