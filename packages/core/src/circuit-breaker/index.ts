export { circuitBreaker, type CircuitBreaker } from './circuit-breaker.ts';
export { circuitBreakerDefaults, type CircuitBreakerOptions } from './options.ts';
export { consecutive, count, type CountLimit } from './trip-rules.ts';
export {
  sampledRatio,
  sampledRatioDefaults,
  slowCalls,
  slowCallsDefaults,
  type SampledRatioOptions,
  type SamplingOptions,
  type SlowCallsOptions,
} from './sampled-rules.ts';
export { adaptive, adaptiveDefaults, type AdaptiveOptions } from './adaptive.ts';
export type { TripRule, TripWindow } from './trip-rule.ts';
export {
  exponentialBreak,
  exponentialBreakDefaults,
  linearBreak,
  steppedBreak,
  type BreakDuration,
  type BreakFacts,
  type ExponentialBreakOptions,
  type GrowingBreakOptions,
} from './break-duration.ts';
export { circuitControl, type CircuitControl } from './control.ts';
export type { HealthProbe } from './health-probe.ts';
export type { CircuitSnapshot, WindowSnapshot } from './snapshot.ts';
export { CircuitIsolatedError, CircuitOpenError } from './errors.ts';
export type {
  CircuitBreakerEvents,
  CircuitHealthCheckedEvent,
  CircuitRejectedEvent,
  CircuitState,
  CircuitTransition,
  CircuitTransitionEvent,
} from './events.ts';
