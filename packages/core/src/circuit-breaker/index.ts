export { circuitBreaker, type CircuitBreaker } from './circuit-breaker.ts';
export { circuitBreakerDefaults, type BreakFacts, type CircuitBreakerOptions } from './options.ts';
export { consecutive, type TripRule, type TripWindow } from './trip-rules.ts';
export { CircuitIsolatedError, CircuitOpenError } from './errors.ts';
export type { CircuitBreakerEvents, CircuitRejectedEvent, CircuitState, CircuitTransitionEvent } from './events.ts';
