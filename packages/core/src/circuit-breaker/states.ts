/**
 * The states of a breaker, each with the data that only it has. A state object is made anew at every transition, so it
 * is also the generation: a call remembers the object under which it was admitted, and its outcome counts only while
 * that object is still the breaker's state.
 *
 * ```text
 *               too many failures                 breakMs over, next call
 *    closed ───────────────────────▶ open ───────────────────────────────▶ half-open
 *       ▲                              ▲        a probe fails or is lost       │ │
 *       │                              └────────────────────────────────────────┘ │
 *       └──────────────────────────────────── enough probes succeed ──────────────┘
 *
 *    any ── isolate() ──▶ isolated ── the last holder releases, or reset() ──▶ closed
 * ```
 */

/** Lets calls through and counts their failures. */
export interface Closed {
  readonly kind: 'closed';
  readonly since: number;
  /** What is remembered of every call whose function has not been started before: the same for all. */
  readonly admission: Admission;
}

/** A closed state that began at `since`. */
export function closedSince(since: number): Closed {
  const state: { -readonly [Key in keyof Closed]?: Closed[Key] } = { kind: 'closed', since };
  state.admission = new Admission(state as Closed, 0, undefined);
  return state as Closed;
}

/** Refuses all calls until `reopensAt`; the first call at or after that time makes the breaker half-open. */
export interface Open {
  readonly kind: 'open';
  readonly since: number;
  readonly reopensAt: number;
}

/** Lets a few probes through, each under a lease, and refuses all other calls. */
export interface HalfOpen {
  readonly kind: 'half-open';
  readonly since: number;
  /** When the lease of each probe that is out ends. */
  readonly leases: Set<Lease>;
  succeeded: number;
  failed: number;
}

/** Refuses all calls until its holders let go. */
export interface Isolated {
  readonly kind: 'isolated';
  readonly since: number;
  /** Why, for each holder. */
  readonly holders: Map<symbol, string>;
}

export type BreakerState = Closed | Open | HalfOpen | Isolated;

/** The place of one probe. */
export interface Lease {
  readonly expiresAt: number;
}

/** What a breaker remembers of a call that it let through. */
export class Admission {
  /** The state under which the call was let through. */
  readonly state: BreakerState;
  /** How many times the function had been started by then: no more by the end means that this call never started. */
  readonly attempts: number;
  /** The probe's place; undefined for a call that is no probe. */
  readonly lease: Lease | undefined;

  constructor(state: BreakerState, attempts: number, lease: Lease | undefined) {
    this.state = state;
    this.attempts = attempts;
    this.lease = lease;
  }
}
