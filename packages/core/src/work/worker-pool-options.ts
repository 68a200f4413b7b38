import type { Clock } from '../clock/clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import type { EventSource, HookFailedEvent } from '../events/event.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { count, implementing, integer, oneOf, positiveMilliseconds, type Rules } from '../options/rules.ts';
import { policyOptionRules } from '../policy/policy-base.ts';
import type { Priority } from '../policy/priority.ts';
import type { ConcurrencyPolicy } from './concurrency-policy.ts';
import type { ParallelMapOptions } from './parallel-map-options.ts';
import type { Source } from './source-reader.ts';

/** Options of a worker pool. */
export interface WorkerPoolOptions {
  /** Its name in errors and events; default `worker-pool`. */
  readonly name?: string | undefined;
  /** Where it takes the time from; default: the system. */
  readonly clock?: Clock | undefined;
  /** How many tasks run at once at most: an integer of at least 1; default 10. */
  readonly maxWorkers?: number | undefined;
  /** How few it may come down to: an integer of at least 1; default 1. Only with `adaptive`. */
  readonly minWorkers?: number | undefined;
  /** Says how many tasks run at once, between `minWorkers`, with which it begins, and `maxWorkers`; default: always `maxWorkers`. */
  readonly adaptive?: ConcurrencyPolicy | undefined;
  /** How many tasks may wait; at least 0, default Infinity. */
  readonly maxQueue?: number | undefined;
  /** How long a task may run, in milliseconds; default: as long as it likes. Its wait does not count. */
  readonly taskTimeoutMs?: number | undefined;
  /**
   * When a worker is free again: with the `outcome` of its task (default), which after a timeout or an abort may be
   * before the function has ended, or when that has `settled`.
   */
  readonly releaseOn?: 'outcome' | 'settled' | undefined;
}

/** The defaults of a worker pool. */
export const workerPoolDefaults: {
  readonly name: string;
  readonly maxWorkers: number;
  readonly minWorkers: number;
  readonly maxQueue: number;
  readonly releaseOn: 'outcome';
} = Object.freeze({ name: 'worker-pool', maxWorkers: 10, minWorkers: 1, maxQueue: Infinity, releaseOn: 'outcome' });

const workerPoolRules: Rules<WorkerPoolOptions> = Object.freeze({
  name: policyOptionRules.name,
  clock: policyOptionRules.clock,
  maxWorkers: integer(1),
  minWorkers: integer(1),
  adaptive: implementing<ConcurrencyPolicy>('a concurrency policy', 'next'),
  maxQueue: count(0),
  taskTimeoutMs: positiveMilliseconds(),
  releaseOn: oneOf('outcome', 'settled'),
});

/** The options of a worker pool with the defaults for what was left out. */
export type ResolvedPoolOptions = Resolved<WorkerPoolOptions, typeof workerPoolDefaults>;

/** @throws ConfigurationError */
export function resolvePoolOptions(given: WorkerPoolOptions): ResolvedPoolOptions {
  const options = resolveOptions('workerPool', given, workerPoolDefaults, workerPoolRules);
  if (options.minWorkers <= options.maxWorkers) return options;
  const expected = `at most maxWorkers, which is ${options.maxWorkers}`;
  throw new ConfigurationError([{ path: 'workerPool.minWorkers', expected, received: String(options.minWorkers) }]);
}

/** What may be said about one task. */
export interface TaskOptions {
  /** How urgent it is; default `normal`. More urgent tasks that wait run first; those of one priority in the order in which they came. */
  readonly priority?: Priority | undefined;
  /** Ends the task when aborted, at once, whether it waits or runs; it rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long it may run, in milliseconds; default: the pool's `taskTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** What a task is told. */
export interface TaskContext {
  /** Aborted when the result is no longer wanted: the time is up, or the caller has aborted. Made when it is first read. */
  readonly signal: AbortSignal;
}

/** A task has got a worker. */
export interface TaskStartedEvent {
  /** How long it waited, in milliseconds. */
  readonly waitedMs: number;
}

/** The caller of a task has its answer; of a task that got a worker. */
export interface TaskEndedEvent {
  /** How long it ran, in milliseconds: until it was given up, where it was timed out or aborted. */
  readonly durationMs: number;
  readonly outcome: 'success' | 'failure';
  /** What it failed with; the reason, where it was aborted. */
  readonly error: unknown;
}

/** A task failed. */
export interface TaskFailedEvent {
  readonly error: unknown;
  /** How long it waited, and how long it ran, in milliseconds. */
  readonly waitedMs: number;
  readonly durationMs: number;
  readonly outcome: 'failure';
}

/** The number of tasks that may run at once has changed. */
export interface WorkersChangedEvent {
  readonly from: number;
  readonly to: number;
}

/** A task ended after its caller had been answered; its outcome changed nothing. */
export interface LateTaskEvent {
  readonly outcome: 'success' | 'failure';
}

/** The events of a worker pool. */
export interface WorkerPoolEvents {
  'task-started': TaskStartedEvent;
  'task-ended': TaskEndedEvent;
  'task-failed': TaskFailedEvent;
  'task-late': LateTaskEvent;
  'workers-changed': WorkersChangedEvent;
  'hook-failed': HookFailedEvent;
}

/** Times of tasks in milliseconds; NaN before the first. */
export interface DurationSummary {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What a worker pool has done, and how it stands. */
export interface WorkerPoolStatistics {
  /** How many tasks hold a worker. */
  readonly running: number;
  readonly queued: number;
  /** How many tasks may run at once now. */
  readonly workers: number;
  /** The most that ever ran at once. */
  readonly peakRunning: number;
  readonly succeeded: number;
  /** Those included that were timed out, without those that were aborted. */
  readonly failed: number;
  readonly timedOut: number;
  /** Ended by their caller, waiting or running. */
  readonly aborted: number;
  /** Refused because the queue was full or the pool closed. */
  readonly refused: number;
  readonly waitMs: DurationSummary;
  readonly runMs: DurationSummary;
}

/** How a worker pool is closed. */
export interface WorkerPoolCloseOptions {
  /** What becomes of tasks that wait: they `run` (default) or are `rejected` with a WorkerPoolClosedError. */
  readonly queued?: 'run' | 'reject' | undefined;
  /** After how many milliseconds what still waits is rejected and what still runs is aborted; default: never. */
  readonly timeoutMs?: number | undefined;
}

export const workerPoolCloseRules: Rules<WorkerPoolCloseOptions> = Object.freeze({
  queued: oneOf('run', 'reject'),
  timeoutMs: positiveMilliseconds(),
});

/** Runs tasks, a bounded number at once; see {@link workerPool}. */
export interface WorkerPool extends EventSource<WorkerPoolEvents> {
  readonly name: string;
  /** How many tasks hold a worker. */
  readonly running: number;
  /** How many tasks wait. */
  readonly queued: number;
  /** How many tasks may run at once now. */
  readonly workers: number;
  readonly isPaused: boolean;
  readonly statistics: WorkerPoolStatistics;

  /**
   * Runs `task` as soon as a worker is free: at once, before this returns, when one is. Rejects with the task's own
   * error, a TaskTimeoutError, the reason of the signal, a WorkerPoolFullError or a WorkerPoolClosedError.
   */
  execute<R>(task: (context: TaskContext) => R, options?: TaskOptions): Promise<Awaited<R>>;
  /**
   * Maps a source as {@link parallelMap} does, each item a task of this pool, which shares the workers with all others.
   * Never more than `maxWorkers` of its items wait or run at once; they wait whatever `maxQueue` says.
   */
  map<T, R>(
    source: Source<T>,
    mapper: (item: T, context: TaskContext & { readonly index: number }) => R,
    options?: PoolMapOptions,
  ): AsyncIterableIterator<Awaited<R>, undefined, undefined>;
  /** Starts no more tasks; those that run go on. */
  pause(): void;
  /** Starts tasks again. */
  resume(): void;
  /** Resolves when nothing waits or runs: at once when that is so. New tasks may come all the while. */
  drain(): Promise<void>;
  /**
   * Takes no new tasks, resumes when paused, and waits for those that are there, functions that have outlived their
   * task included. Resolves to how many functions still ran when the time was up; 0 when all have ended.
   */
  close(options?: WorkerPoolCloseOptions): Promise<number>;
}

/** Options of {@link WorkerPool.map}. */
export type PoolMapOptions = Omit<ParallelMapOptions, 'concurrency'> & Omit<TaskOptions, 'signal'>;
