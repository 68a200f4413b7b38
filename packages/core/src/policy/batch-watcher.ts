import type { Failure } from './outcome.ts';

/** Why a batch goes: it is full by count or by weight, its time is up, or somebody has flushed it. */
export type BatchReason = 'count' | 'weight' | 'delay' | 'explicit';

/** A batch that goes. */
export interface DepartingBatch {
  /** How many keys it holds. */
  readonly size: number;
  readonly weight: number;
  readonly reason: BatchReason;
  /** How long its first key has waited for others, in milliseconds. */
  readonly waitedMs: number;
}

/** Stands around one batch. Must not throw. */
export interface BatchWatch {
  /** A load begins the batch, or joins it: told within that load, in what surrounds its caller. */
  joined(): void;
  /** The batch goes. Calls `run` once, at once, and returns what it returns, or throws what it throws. */
  run<R>(batch: DepartingBatch, run: () => R): R;
  /** All keys have their results. `failed` of them are errors; `failure` is what failed the whole batch. */
  ended(failed: number, failure: Failure | undefined): void;
}

/** Asked at the beginning of each batch for what watches that one: what tracing is made of. Must not throw. */
export type BatchWatcher = () => BatchWatch;
