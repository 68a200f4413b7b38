import type { RateLimitReason } from './errors.ts';

/** A request was refused. */
export interface LimitRefusedEvent {
  /** What refused: the name of a limit, `ban`, `pause` or `deny-list`. */
  readonly limitName: string;
  readonly reason: RateLimitReason;
  /** After how many milliseconds it would fit; Infinity for never. */
  readonly retryAfterMs: number;
  /** How long it has waited. */
  readonly waitedMs: number;
  /** True when the limiter only counts, and let the request through all the same. */
  readonly shadow: boolean;
}

/** A request waits. */
export interface LimitQueuedEvent {
  /** How long it will wait, as foreseen when it came. */
  readonly predictedWaitMs: number;
  /** How many wait now, this one included. */
  readonly waiting: number;
}

/** A request has waited and was let through. */
export interface LimitAdmittedEvent {
  readonly waitedMs: number;
}

/** A limit has other numbers. */
export interface LimitUpdatedEvent {
  readonly limitName: string;
  readonly limit: number;
  readonly periodMs: number;
  readonly burst: number;
  /** What it was before. */
  readonly previousLimit: number;
}

/** A key was banned, or all who share its budget are held back because a server has said so. */
export interface LimitHeldEvent {
  readonly cause: 'ban' | 'pause';
  readonly durationMs: number;
}

/** A cost became known after the fact. */
export interface LimitSettledEvent {
  readonly limitName: string;
  readonly estimated: number;
  readonly actual: number;
}

/** A key that had taken something was dropped, because more than `maxKeys` had: it starts afresh. */
export interface LimitEvictedEvent {
  readonly evictedKey: string;
}

/** The store of a shared limiter went away, or has come back. */
export interface LimitStoreEvent {
  readonly state: 'up' | 'away';
  /** What `onStoreError` says is done meanwhile. */
  readonly onStoreError: 'local' | 'open' | 'closed' | 'throw';
  /** Why it is away. */
  readonly error: unknown;
}

/** The events of a limiter. */
export interface RateLimiterEvents {
  'limit-refused': LimitRefusedEvent;
  'limit-queued': LimitQueuedEvent;
  'limit-admitted': LimitAdmittedEvent;
  'limit-updated': LimitUpdatedEvent;
  'limit-held': LimitHeldEvent;
  'limit-settled': LimitSettledEvent;
  'limit-evicted': LimitEvictedEvent;
  'limit-store': LimitStoreEvent;
}
