import type { Clock } from '../clock/clock.ts';
import type { EventSource } from '../events/event.ts';
import { callable, count, milliseconds, type Rules } from '../options/rules.ts';
import type { BatchWatcher } from '../policy/batch-watcher.ts';
import { policyOptionRules } from '../policy/policy-base.ts';
import type { BatcherEvents } from './batch-events.ts';

/** What a batch function is told beside its keys. */
export interface BatchContext {
  /** Aborted when nobody wants any of the results any more. */
  readonly signal: AbortSignal;
}

/**
 * Loads many keys at once. Gives a result for each key in the order of the keys, or a Map by key; a result that is an
 * Error is that key's failure. When it throws, all keys of the batch have failed with that error.
 */
export type BatchFunction<Key, Value> = (
  keys: readonly Key[],
  context: BatchContext,
) => BatchAnswer<Key, Value> | PromiseLike<BatchAnswer<Key, Value>>;

/** What a batch function gives. */
export type BatchAnswer<Key, Value> = readonly (Value | Error)[] | ReadonlyMap<Key, Value | Error>;

/** When a batch goes. */
export interface BatchingOptions<Key> {
  /** Its name in errors and events; default `batcher`. */
  readonly name?: string | undefined;
  /** Where it takes the time from; default: the system. */
  readonly clock?: Clock | undefined;
  /** How many keys a batch holds at most: at least 1, or Infinity; default 100. A full batch goes at once. */
  readonly maxItems?: number | undefined;
  /** How much the keys of a batch may weigh together, by `weigh`; default Infinity. A key that weighs more goes alone. */
  readonly maxWeight?: number | undefined;
  /** What a key weighs: a number of at least 0; default 1. */
  readonly weigh?: ((key: Key) => number) | undefined;
  /**
   * How long a batch waits for more keys after its first, in milliseconds, at least 0. Default: until the program has
   * run on as far as it can by itself, so that no time is lost.
   */
  readonly delayMs?: number | undefined;
  /** What tells keys apart, for keys that are objects: keys of one identity are loaded once in a batch; default: the key itself. */
  readonly identify?: ((key: Key) => unknown) | undefined;
}

/** Options of a batcher. */
export interface BatcherOptions<Key, Value> extends BatchingOptions<Key> {
  /** Loads the keys of a batch. */
  readonly batch: BatchFunction<Key, Value>;
}

/** Options of a batcher of thunks. */
export interface ThunkBatcherOptions<Key> extends BatchingOptions<Key> {
  /** How many thunks of a batch run at once; at least 1, or Infinity, which is the default. */
  readonly concurrency?: number | undefined;
}

/** The defaults of both batchers. */
export const batcherDefaults: { readonly name: string; readonly maxItems: number; readonly maxWeight: number } =
  Object.freeze({ name: 'batcher', maxItems: 100, maxWeight: Infinity });

const batchingRules: Rules<BatchingOptions<never>> = Object.freeze({
  name: policyOptionRules.name,
  clock: policyOptionRules.clock,
  maxItems: count(1),
  maxWeight: count(1),
  weigh: callable<(key: never) => number>('a function of a key that gives its weight'),
  delayMs: milliseconds(),
  identify: callable<(key: never) => unknown>('a function of a key that tells it apart'),
});

/** What may be said about one load. */
export interface LoadOptions {
  /** Ends this caller's wait when aborted; the others of the batch go on. */
  readonly signal?: AbortSignal | undefined;
}

/** What came of the keys that were flushed. */
export interface BatchReport<Key, Value> {
  readonly results: ReadonlyMap<Key, Value>;
  readonly errors: ReadonlyMap<Key, unknown>;
}

/** What a batcher has done. */
export interface BatcherStatistics {
  /** How many batches have gone. */
  readonly batches: number;
  /** How many keys they held. */
  readonly keys: number;
  /** How many loads shared the key of another one in their batch. */
  readonly shared: number;
  /** How many keys failed. */
  readonly failed: number;
}

/** What both batchers have in common. */
export interface Batching<Key, Value> extends EventSource<BatcherEvents> {
  readonly name: string;
  /** How many keys wait for their batch to go. */
  readonly waiting: number;
  readonly statistics: BatcherStatistics;
  /** Has each batch that begins from now on watched, as a tracing does; returns what ends that. */
  watchBatches(watcher: BatchWatcher): () => void;
  /** Lets the waiting keys go at once. Resolves, never rejects, when all that was under way has ended, with what came of each key. */
  flush(): Promise<BatchReport<Key, Value>>;
  /** Flushes and takes nothing more. */
  close(): Promise<BatchReport<Key, Value>>;
}

/** Collects single loads into batches; see {@link batcher}. */
export interface Batcher<Key, Value> extends Batching<Key, Value> {
  /** The value of `key`; rejects with its own error, that of its batch, the reason of the signal, or a BatcherClosedError. */
  load(key: Key, options?: LoadOptions): Promise<Value>;
  /** The values of many keys in their order; a key that failed gives an Error in place of a value. */
  loadMany(keys: readonly Key[], options?: LoadOptions): Promise<(Value | Error)[]>;
}

/** Collects keyed thunks into batches; see {@link thunkBatcher}. */
export interface ThunkBatcher<Key, Value> extends Batching<Key, Value> {
  /** Runs `thunk` with its batch; of several with one key in a batch only the first runs, and all get its result. */
  run(key: Key, thunk: (context: BatchContext) => Value | PromiseLike<Value>, options?: LoadOptions): Promise<Value>;
}

export const batcherRules: Rules<BatcherOptions<never, never>> = Object.freeze({
  ...batchingRules,
  batch: callable<BatchFunction<never, never>>('a function of keys that gives their values'),
});
export const thunkBatcherRules: Rules<ThunkBatcherOptions<never>> = Object.freeze({
  ...batchingRules,
  concurrency: count(1),
});
