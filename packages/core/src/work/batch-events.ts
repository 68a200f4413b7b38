import type { HookFailedEvent } from '../events/event.ts';
import type { DepartingBatch } from '../policy/batch-watcher.ts';

/** A batch goes to its function. */
export interface BatchFlushedEvent extends DepartingBatch {}

/** All keys of a batch have their results. */
export interface BatchEndedEvent extends DepartingBatch {
  /** How long its function took, in milliseconds. */
  readonly durationMs: number;
  /** How many keys failed: all of them, where the function itself did. */
  readonly failed: number;
  /** `failure` when the function itself failed, or gave what is no answer; keys that failed for themselves make none. */
  readonly outcome: 'success' | 'failure';
  /** What the function failed with. */
  readonly error: unknown;
}

/** The events of a batcher. A batch that was begun while nobody listened tells none. */
export interface BatcherEvents {
  'batch-flushed': BatchFlushedEvent;
  'batch-ended': BatchEndedEvent;
  'hook-failed': HookFailedEvent;
}
