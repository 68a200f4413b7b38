/** A call, or code in `acquire`, was refused. */
export interface BulkheadRejectedEvent {
  readonly code: 'BULKHEAD_FULL' | 'BULKHEAD_WAIT_TIMEOUT';
  readonly running: number;
  readonly queued: number;
  readonly outcome: 'refused';
}

/** A call, or code in `acquire`, waits in the queue. */
export interface BulkheadQueuedEvent {
  /** How many wait, this one included. */
  readonly queued: number;
  readonly outcome: 'queued';
}

/** The events of a bulkhead. */
export interface BulkheadEvents {
  'bulkhead-queued': BulkheadQueuedEvent;
  'bulkhead-rejected': BulkheadRejectedEvent;
}
