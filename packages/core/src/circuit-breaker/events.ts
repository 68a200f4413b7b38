/** Which state a breaker is in. */
export type CircuitState = 'closed' | 'open' | 'half-open' | 'isolated';

/** A breaker went from one state to another. */
export interface CircuitTransitionEvent {
  readonly from: CircuitState;
  readonly to: CircuitState;
  /** Why, in a word or two: `failures`, `break over`, `probes succeeded`, `reset`, or what `isolate` was given. */
  readonly reason: string;
  /** The failure that caused it, where one did. */
  readonly error?: unknown;
  /** When it opens: how long it stays open, in milliseconds. */
  readonly breakMs?: number;
}

/** A breaker refused a call. */
export interface CircuitRejectedEvent {
  readonly code: 'CIRCUIT_OPEN' | 'CIRCUIT_ISOLATED';
  /** When another try makes sense, where that is known. */
  readonly retryAfterMs?: number;
  readonly outcome: 'refused';
}

/** The events of a circuit breaker. */
export interface CircuitBreakerEvents {
  'circuit-opened': CircuitTransitionEvent;
  'circuit-half-opened': CircuitTransitionEvent;
  'circuit-closed': CircuitTransitionEvent;
  'circuit-isolated': CircuitTransitionEvent;
  'circuit-rejected': CircuitRejectedEvent;
}
