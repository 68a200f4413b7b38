/**
 * The states of a breaker, each with the data that only it has; what leads from one to another stands in
 * state-machine.ts. A state object is made anew at every transition, so it is also the generation: a call remembers the
 * object under which it was admitted, and its outcome counts only while that object is still the breaker's state.
 */
import type { HalfOpen, Lease } from './half-open.ts';

/** Lets calls through and counts them: all of them, or a share while it is ramping. */
export interface Closed {
  readonly kind: 'closed';
  since: number;
  /** Whether only a share of the calls is let through as yet. */
  ramping: boolean;
}

/** Refuses all calls until `reopensAt`; the first call at or after that time makes the breaker half-open. */
export interface Open {
  readonly kind: 'open';
  since: number;
  readonly breakMs: number;
  /** Health checks that fail put it off. */
  reopensAt: number;
}

/** Refuses all calls until its holders let go. */
export interface Isolated {
  readonly kind: 'isolated';
  since: number;
  /** Why, for each holder; a holder is what releases it. */
  readonly holders: Map<() => void, string>;
}

export type BreakerState = Closed | Open | HalfOpen | Isolated;

/** What a breaker remembers of a call that it let through. */
export class Admission {
  /** The state under which the call was let through. */
  readonly state: BreakerState;
  /** How many times the function had been started by then: no more by the end means that this call never started. */
  readonly attempts: number;
  /** The probe's place; undefined for a call that is no probe. */
  readonly lease: Lease | undefined;
  /** When it was let through; read only where calls are measured. */
  readonly at: number;

  constructor(state: BreakerState, attempts: number, lease: Lease | undefined, at: number) {
    this.state = state;
    this.attempts = attempts;
    this.lease = lease;
    this.at = at;
  }
}
