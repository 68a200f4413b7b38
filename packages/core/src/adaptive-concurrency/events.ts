/** The limit has moved to another whole number. */
export interface LimitChangedEvent {
  readonly from: number;
  readonly to: number;
  /** The mean time of the calls that the decision was made by, in milliseconds; NaN when none was answered. */
  readonly rttMs: number;
  /** The most of them that were running at once. */
  readonly inflight: number;
  /** Whether the upstream could not take calls. */
  readonly dropped: boolean;
}

/** A call waits in the queue. */
export interface ConcurrencyQueuedEvent {
  /** How many wait, this one included. */
  readonly queued: number;
  readonly outcome: 'queued';
}

/** A call was refused. */
export interface ConcurrencyRejectedEvent {
  readonly code: 'CONCURRENCY_LIMIT' | 'CONCURRENCY_WAIT_TIMEOUT';
  readonly limit: number;
  readonly inflight: number;
  readonly queued: number;
  readonly outcome: 'refused';
}

/** The events of an adaptive concurrency limit. */
export interface AdaptiveConcurrencyEvents {
  'concurrency-limit-changed': LimitChangedEvent;
  'concurrency-queued': ConcurrencyQueuedEvent;
  'concurrency-rejected': ConcurrencyRejectedEvent;
}
