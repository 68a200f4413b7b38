/**
 * Why another attempt begins: the delay has passed without an answer, an attempt has failed, or all begin at once
 * because the delay is 0.
 */
export type HedgeCause = 'delay' | 'failure' | 'at-once';

/** Another attempt begins beside those that run. */
export interface HedgeEvent {
  /** Which one of the call it is, from 2. */
  readonly attempt: number;
  readonly cause: HedgeCause;
}

/** The budget had no room for another attempt; those that run go on. */
export interface HedgeRefusedEvent {
  /** Which one of the call it would have been. */
  readonly attempt: number;
  readonly cause: HedgeCause;
  readonly outcome: 'refused';
}

/** An attempt has failed. Only the first one's error can become that of the call. */
export interface HedgeAttemptFailedEvent {
  readonly attempt: number;
  /** What it failed with; undefined when its result was not acceptable. */
  readonly error: unknown;
  readonly outcome: 'failure';
}

/** A call that was hedged has been answered. */
export interface HedgeWonEvent {
  /** Which attempt answered. */
  readonly attempt: number;
  /** How many were begun. */
  readonly attempts: number;
  readonly outcome: 'success';
}

/** The events of a hedge. */
export interface HedgeEvents {
  hedge: HedgeEvent;
  'hedge-refused': HedgeRefusedEvent;
  'hedge-attempt-failed': HedgeAttemptFailedEvent;
  'hedge-won': HedgeWonEvent;
}
