/** A chaos policy has done something to a call. */
export interface ChaosInjectedEvent {
  readonly chaos: 'fault' | 'latency' | 'outcome' | 'behavior';
  /** How the call comes out by it; undefined where it goes on. */
  readonly outcome: 'success' | 'failure' | undefined;
  /** The error that was injected, where one was. */
  readonly error?: unknown;
  /** How long the call is held up, in milliseconds, where it is. */
  readonly latencyMs?: number;
}

/** The events of a chaos policy. */
export interface ChaosEvents {
  'chaos-injected': ChaosInjectedEvent;
}
