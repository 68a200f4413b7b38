import type { EventSource, HookFailedEvent } from '../events/event.ts';
import type { DisposableWhereKnown } from '../structures/disposable.ts';

/** Why a resource was ended. */
export type DestroyReason = 'lost' | 'broken' | 'unhealthy' | 'recycled' | 'idle' | 'surplus' | 'closed';

/** A resource on loan; to be given back once, by `release`, `discard`, or the end of a `using` block. */
export type Lease<Resource> = LeaseMethods<Resource> & DisposableWhereKnown;

/** What a {@link Lease} can do. */
export interface LeaseMethods<Resource> {
  readonly resource: Resource;
  /** Gives the resource back. Harmless when that has been done. */
  release(): void;
  /** Gives it back as broken: it is ended, and replaced when it is needed. */
  discard(): void;
}

/** What may be said about one acquisition. */
export interface AcquireOptions {
  /** Ends the wait at once when aborted; it rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait, in milliseconds; default: the pool's `acquireTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** A resource was made. */
export interface ResourceCreatedEvent {
  /** How long that took; NaN where somebody else made it, who does not say. */
  readonly durationMs: number;
}

/** A resource was lent. */
export interface ResourceAcquiredEvent {
  /** How long its borrower has waited; 0 where one was ready. */
  readonly waitedMs: number;
}

/** A resource came back from its borrower. */
export interface ResourceReleasedEvent {
  /** How long it was lent. */
  readonly durationMs: number;
}

/** A resource could not be made. */
export interface ResourceCreateFailedEvent {
  readonly error: unknown;
  readonly outcome: 'failure';
}

/** A resource did not pass its check; `error` where it threw or took too long. */
export interface ResourceUnhealthyEvent {
  readonly error: unknown;
  readonly outcome: 'failure';
}

/** A resource is ended. */
export interface ResourceDestroyedEvent {
  readonly reason: DestroyReason;
  readonly ageMs: number;
  /** What it died of, where somebody said so. */
  readonly error: unknown;
}

/** A resource could not be ended in order; its place is given away all the same. */
export interface ResourceDestroyFailedEvent {
  readonly error: unknown;
  readonly outcome: 'failure';
}

/** Somebody got no resource. */
export interface AcquireFailedEvent {
  readonly error: unknown;
  readonly waitedMs: number;
  readonly outcome: 'failure';
}

/** The events of a connection pool. */
export interface ConnectionPoolEvents {
  'resource-created': ResourceCreatedEvent;
  'resource-create-failed': ResourceCreateFailedEvent;
  'resource-acquired': ResourceAcquiredEvent;
  'resource-released': ResourceReleasedEvent;
  'resource-unhealthy': ResourceUnhealthyEvent;
  'resource-destroyed': ResourceDestroyedEvent;
  'resource-destroy-failed': ResourceDestroyFailedEvent;
  'acquire-failed': AcquireFailedEvent;
  'hook-failed': HookFailedEvent;
}

/** How many resources are how old. */
export interface AgeHistogram {
  /** Each with those that are older than the one before, up to `upToMs`; the last is for all others. */
  readonly buckets: readonly { readonly upToMs: number; readonly count: number }[];
  /** NaN when there is none. */
  readonly oldestMs: number;
}

/** Times in milliseconds; NaN before the first. */
export interface TimeSummary {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What a pool has done, and how it stands. */
export interface PoolStatistics {
  /** All resources that there are, those in the making and those that are being ended included. */
  readonly size: number;
  readonly idle: number;
  readonly inUse: number;
  readonly creating: number;
  readonly checking: number;
  readonly ending: number;
  readonly waiting: number;
  /** The most that ever were there at once. */
  readonly peakSize: number;
  readonly acquired: number;
  readonly timedOut: number;
  readonly created: number;
  readonly createFailed: number;
  /** How many were ended for what reason. */
  readonly destroyed: Readonly<Record<DestroyReason, number>>;
  readonly waitMs: TimeSummary;
  readonly useMs: TimeSummary;
  readonly ages: AgeHistogram;
}

/** A pool of resources; see {@link connectionPool}. */
export interface ConnectionPool<Resource> extends EventSource<ConnectionPoolEvents> {
  readonly name: string;
  readonly statistics: PoolStatistics;
  /**
   * Lends a resource: the one that was used last, or a new one as long as there may be more; otherwise the caller waits,
   * first come, first served. Rejects with a PoolTimeoutError, the error of `create`, the reason of the signal, a
   * PoolFullError or a PoolClosedError.
   */
  acquire(options?: AcquireOptions): Promise<Lease<Resource>>;
  /** Lends a resource to `fn` and takes it back when that has ended. */
  use<R>(fn: (resource: Resource) => R, options?: AcquireOptions): Promise<Awaited<R>>;
  /** Resolves when nothing is on loan and nobody waits. */
  drain(): Promise<void>;
  /**
   * Lends nothing more: those who wait are rejected, resources end as they come back. Resolves when all have ended, to
   * 0, or when the time is up, to how many had not come back; those are ended under their borrowers.
   */
  close(options?: { readonly timeoutMs?: number | undefined }): Promise<number>;
}
