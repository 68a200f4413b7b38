export { parallelMap } from './parallel-map.ts';
export { parallelMapDefaults, type MapperContext, type ParallelMapOptions } from './parallel-map-options.ts';
export type { Checkpoint, CheckpointOptions } from './checkpoint.ts';
export type { Source } from './source-reader.ts';
export { workerPool } from './worker-pool.ts';
export {
  workerPoolDefaults,
  type DurationSummary,
  type LateTaskEvent,
  type PoolMapOptions,
  type TaskContext,
  type TaskEndedEvent,
  type TaskFailedEvent,
  type TaskOptions,
  type TaskStartedEvent,
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
  AllFailedError,
  BatcherClosedError,
  BatchResultError,
  GatherTimeoutError,
  ItemsFailedError,
  TaskTimeoutError,
  WorkerPoolClosedError,
  WorkerPoolFullError,
  type FailedItem,
} from './errors.ts';
export {
  gatherDefaults,
  gatherWithTimeout,
  type GatheredResults,
  type GatheredValues,
  type GatherOptions,
} from './gather.ts';
export type { Gathered, GatherTask, GatherTaskContext } from './gather-run.ts';
export { batcher } from './batcher.ts';
export type { BatchEndedEvent, BatcherEvents, BatchFlushedEvent } from './batch-events.ts';
export { thunkBatcher } from './thunk-batcher.ts';
export {
  batcherDefaults,
  type BatchAnswer,
  type BatchContext,
  type Batcher,
  type BatcherOptions,
  type BatcherStatistics,
  type BatchFunction,
  type Batching,
  type BatchingOptions,
  type BatchReport,
  type LoadOptions,
  type ThunkBatcher,
  type ThunkBatcherOptions,
} from './batcher-options.ts';
export {
  errorTracker,
  type ErrorSummary,
  type ErrorTracker,
  type ErrorTrackerOptions,
  type FailureFacts,
  type TrackedFailure,
} from './error-tracker.ts';
