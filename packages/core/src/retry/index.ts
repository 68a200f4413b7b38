export { retry, type Retry, type RetryStatistics } from './retry.ts';
export { isRetryable, retryDefaults, type BeforeWait, type RetryOptions } from './options.ts';
export {
  constant,
  decorrelated,
  exponential,
  fibonacci,
  linear,
  type Backoff,
  type BackoffStep,
  type ExponentialOptions,
  type GrowingBackoffOptions,
} from './backoff.ts';
export { ratio, type Jitter, type JitterFunction } from './jitter.ts';
export type { GiveUpReason, RetryEvent, RetryEvents, RetryGivenUpEvent } from './events.ts';
