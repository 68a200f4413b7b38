import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';
import type { ErrorCategory } from '../errors/category.ts';

/** One item whose mapper failed. */
export interface FailedItem {
  /** Its position in the source, from 0. */
  readonly index: number;
  readonly error: unknown;
}

/**
 * Thrown at the end of a {@link parallelMap} with `onError: 'collect'` when mappers failed: all are counted, the first
 * 1,000 are kept. Code `ITEMS_FAILED`, category `internal`.
 */
export class ItemsFailedError extends BreakwaterError {
  /** How many items failed. */
  readonly failed: number;
  /** The first of them, in the order in which they failed. */
  readonly samples: readonly FailedItem[];

  constructor(failed: number, samples: readonly FailedItem[]) {
    super(failed === 1 ? '1 item failed' : `${failed} items failed`, {
      code: 'ITEMS_FAILED',
      category: 'internal',
      details: { failed },
      cause: samples[0]?.error,
    });
    this.failed = failed;
    this.samples = samples;
  }
}
nameError(ItemsFailedError, 'ItemsFailedError');

/** A worker pool refused a task: as many wait as may. Code `WORKER_POOL_FULL`, category `bulkhead`. */
export class WorkerPoolFullError extends BreakwaterError {
  constructor(pool: string, maxQueue: number) {
    super(`all workers are busy and ${maxQueue} tasks wait (${pool})`, {
      code: 'WORKER_POOL_FULL',
      category: 'bulkhead',
      policy: pool,
      details: { maxQueue },
    });
  }
}
nameError(WorkerPoolFullError, 'WorkerPoolFullError');

/** A worker pool takes no tasks any more, or was closed before this one ran. Code `WORKER_POOL_CLOSED`, category `internal`. */
export class WorkerPoolClosedError extends BreakwaterError {
  constructor(pool: string) {
    super(`the worker pool is closed (${pool})`, { code: 'WORKER_POOL_CLOSED', category: 'internal', policy: pool });
  }
}
nameError(WorkerPoolClosedError, 'WorkerPoolClosedError');

/** A task of a worker pool took longer than it may; its signal is aborted. Code `TASK_TIMEOUT`, category `timeout`. */
export class TaskTimeoutError extends BreakwaterError {
  constructor(pool: string, timeoutMs: number) {
    super(`the task did not end within ${timeoutMs} ms (${pool})`, {
      code: 'TASK_TIMEOUT',
      category: 'timeout',
      policy: pool,
      details: { timeoutMs },
    });
  }
}
nameError(TaskTimeoutError, 'TaskTimeoutError');

/** Tasks of a gatherWithTimeout were late; `late` names them. Code `GATHER_TIMEOUT`, category `timeout`. */
export class GatherTimeoutError extends BreakwaterError {
  /** The names of the tasks that had no result in time, in the order given. */
  readonly late: readonly string[];

  constructor(late: readonly string[], timeoutMs: number) {
    super(`no result within ${timeoutMs} ms of ${late.join(', ')}`, {
      code: 'GATHER_TIMEOUT',
      category: 'timeout',
      details: { late, timeoutMs },
    });
    this.late = late;
  }
}
nameError(GatherTimeoutError, 'GatherTimeoutError');

/**
 * What a batch function gave doesn't answer its keys: another number of results, or none for a key. Code
 * `BATCH_RESULT`, category `internal`.
 */
export class BatchResultError extends BreakwaterError {
  constructor(batcher: string, message: string) {
    super(`${message} (${batcher})`, { code: 'BATCH_RESULT', category: 'internal', policy: batcher });
  }
}
nameError(BatchResultError, 'BatchResultError');

/** A batcher takes no items any more. Code `BATCHER_CLOSED`, category `internal`. */
export class BatcherClosedError extends BreakwaterError {
  constructor(batcher: string) {
    super(`the batcher is closed (${batcher})`, { code: 'BATCHER_CLOSED', category: 'internal', policy: batcher });
  }
}
nameError(BatcherClosedError, 'BatcherClosedError');

/** Every item of a batch failed. Code `ALL_FAILED`; category: that of most of the failures; the first of them is the cause. */
export class AllFailedError extends BreakwaterError {
  /** How many items failed. */
  readonly failed: number;

  constructor(failed: number, byCategory: Readonly<Record<string, number>>, category: ErrorCategory, cause: unknown) {
    super(failed === 1 ? 'the only item failed' : `all ${failed} items failed`, {
      code: 'ALL_FAILED',
      category,
      details: { failed, byCategory },
      cause,
    });
    this.failed = failed;
  }
}
nameError(AllFailedError, 'AllFailedError');
