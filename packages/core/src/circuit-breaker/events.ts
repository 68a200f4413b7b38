import type { WallMs } from '../clock/clock.ts';

/** Which state a breaker is in. */
export type CircuitState = 'closed' | 'open' | 'half-open' | 'isolated';

/** A breaker went from one state to another. */
export interface CircuitTransitionEvent {
  readonly from: CircuitState;
  readonly to: CircuitState;
  /**
   * Why, in a word or two: `failures`, `slow calls`, `break over`, `healthy`, `probes succeeded`, `probe failed`,
   * `probe lost`, `isolation released`, `reset`, `forced`, `hydrated`, or what the command was given.
   */
  readonly reason: string;
  /** The failure that caused it, where one did. */
  readonly error?: unknown;
  /** When it opens: how long it stays open, in milliseconds. */
  readonly breakMs?: number;
}

/** A transition that a breaker remembers. */
export interface CircuitTransition {
  readonly from: CircuitState;
  readonly to: CircuitState;
  /** Why; see {@link CircuitTransitionEvent.reason}. */
  readonly reason: string;
  /** When, by the wall clock. */
  readonly timestamp: WallMs;
}

/** A breaker refused a call. */
export interface CircuitRejectedEvent {
  readonly code: 'CIRCUIT_OPEN' | 'CIRCUIT_ISOLATED';
  /** When another try makes sense, where that is known. */
  readonly retryAfterMs?: number;
  readonly outcome: 'refused';
}

/** An open breaker has asked the upstream for its health. */
export interface CircuitHealthCheckedEvent {
  /** `success`: it is healthy, and the breaker half-open. `failure`: it is not, and the break begins anew. */
  readonly outcome: 'success' | 'failure';
  readonly durationMs: number;
  /** What the check failed with; undefined when it answered `false` or all is well. */
  readonly error: unknown;
}

/** The events of a circuit breaker. */
export interface CircuitBreakerEvents {
  /** A breaker opened, or the break of an open one began anew by command. */
  'circuit-opened': CircuitTransitionEvent;
  /** A breaker lets its next calls through as probes. */
  'circuit-half-opened': CircuitTransitionEvent;
  /** A breaker lets calls through again. */
  'circuit-closed': CircuitTransitionEvent;
  /** Somebody isolated a breaker that nobody held before. */
  'circuit-isolated': CircuitTransitionEvent;
  'circuit-rejected': CircuitRejectedEvent;
  'circuit-health-checked': CircuitHealthCheckedEvent;
}

/** What is told when a breaker comes into a state. */
export const eventOnEntering: Readonly<Record<CircuitState, keyof CircuitBreakerEvents>> = Object.freeze({
  closed: 'circuit-closed',
  open: 'circuit-opened',
  'half-open': 'circuit-half-opened',
  isolated: 'circuit-isolated',
});
