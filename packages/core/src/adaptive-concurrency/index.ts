export { adaptiveConcurrency, type AdaptiveConcurrency } from './adaptive-concurrency.ts';
export { aimd, aimdDefaults, type AimdOptions } from './aimd.ts';
export type { LimitAlgorithm, LimitEstimator, LimitSample } from './algorithm.ts';
export { ConcurrencyLimitError } from './errors.ts';
export type {
  AdaptiveConcurrencyEvents,
  ConcurrencyQueuedEvent,
  ConcurrencyRejectedEvent,
  LimitChangedEvent,
} from './events.ts';
export { gradient2, gradient2Defaults, type Gradient2Options } from './gradient2.ts';
export { adaptiveConcurrencyDefaults, type AdaptiveConcurrencyOptions } from './options.ts';
export { vegas, vegasDefaults, type VegasOptions } from './vegas.ts';
export { isOverload } from '../gates/overload.ts';
export type { PermitStatistics } from '../gates/permits.ts';
