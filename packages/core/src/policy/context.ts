import type { Priority } from './priority.ts';

/** What a user's function is told about the call that it runs in. One per run of the function. */
export interface ExecutionContext {
  /**
   * Aborted when this run is no longer wanted: its time is up, the caller has aborted, or it lost a hedge. Made when
   * it is first read; never aborted after a success. Its reason is the error that the call ends with.
   */
  readonly signal: AbortSignal;
  /** Which run of the function in this call this is, from 1. */
  readonly attempt: number;
  /** The name of the pipeline. */
  readonly pipeline: string | undefined;
  /** The key of the call: what keyed policies, limiters and caches tell calls apart by. */
  readonly key: string | undefined;
  /** How urgent the call is; default `normal`. */
  readonly priority: Priority;
  /** How many milliseconds are left until the deadline or an enclosing timeout ends this run; Infinity without one. */
  readonly remainingMs: number;
}

/** What a caller may say about one call. */
export interface CallOptions {
  /** Ends the call at once when aborted; the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** What the call is about: `sku:1`, a host, a tenant. Default: the parent's. */
  readonly key?: string | undefined;
  /** How urgent it is; default: the parent's, otherwise `normal`. */
  readonly priority?: Priority | undefined;
  /** What it costs a limiter: a number above or equal to 0; default 1. */
  readonly cost?: number | undefined;
  /** After how many milliseconds the whole call ends with a DeadlineExceededError; default: the parent's deadline. */
  readonly deadlineMs?: number | undefined;
  /** The context of the call that this one is part of: its abort, deadline, key and priority are inherited. */
  readonly parent?: ExecutionContext | undefined;
}

/** What a caller may say about a synchronous call, which nothing can end from outside. */
export type SyncCallOptions = Pick<CallOptions, 'key' | 'priority' | 'cost'>;
