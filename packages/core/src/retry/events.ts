/** An attempt has failed and another will follow. */
export interface RetryEvent {
  /** How many attempts have failed so far, from 1. */
  readonly attempt: number;
  /** How long until the next one, in milliseconds. */
  readonly delayMs: number;
  /** What the attempt failed with; undefined when its result was not acceptable. */
  readonly error: unknown;
  /** Whether the delay is the one that the error asked for. */
  readonly serverNamed: boolean;
  readonly outcome: 'failure';
}

/** Why no further attempt is made. */
export type GiveUpReason =
  | 'max-attempts'
  | 'not-retryable'
  | 'retry-after-too-long'
  | 'deadline'
  | 'max-elapsed'
  | 'budget';

/** The last attempt has failed too, or no other can be made. */
export interface RetryGivenUpEvent {
  /** How many attempts have failed. */
  readonly attempt: number;
  readonly reason: GiveUpReason;
  readonly error: unknown;
  readonly outcome: 'failure';
}

/** The events of a retry. */
export interface RetryEvents {
  retry: RetryEvent;
  'retry-given-up': RetryGivenUpEvent;
}
