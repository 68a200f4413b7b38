export { VirtualClock, type VirtualClockOptions } from '../clock/virtual-clock.ts';
export { seededRandom } from '../clock/random.ts';
export { chaosBehavior, type ChaosBehaviorOptions } from './chaos/behavior.ts';
export { chaosFault, type ChaosFaultOptions } from './chaos/fault.ts';
export { chaosLatency, type ChaosLatencyOptions } from './chaos/latency.ts';
export { chaosOutcome, type ChaosOutcomeOptions } from './chaos/outcome.ts';
export type { Chaos } from './chaos/chaos-policy.ts';
export type { ChaosEvents, ChaosInjectedEvent } from './chaos/events.ts';
export { chaosDefaults, type ChaosFunction, type ChaosOptions, type PerCall } from './chaos/options.ts';
export { during, type TimeSpan } from './chaos/during.ts';
export { weighted, type Weighted } from './chaos/weighted.ts';
export { ControllableBreaker, type BreakerRequest } from './controllable-breaker.ts';
export { ControllableLimiter } from './controllable-limiter.ts';
export type {
  ControllableLimiterOptions,
  LimiterCommand,
  LimiterControls,
  LimiterRequest,
} from './limiter-controls.ts';
export { recordEvents, type EventRecording, type RecordingOptions } from './record-events.ts';
