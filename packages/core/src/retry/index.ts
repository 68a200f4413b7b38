export { retry, type Retry } from './retry.ts';
export type { RetryStatistics } from './statistics.ts';
export { retryAsync, type RetryAsyncOptions } from './retry-async.ts';
export { retryDefaults, type BeforeWait, type RetryOptions } from './options.ts';
export { isRetryable } from '../gates/retryable.ts';
export type { RetryBudget } from '../gates/budget.ts';
export {
  retryBudget,
  retryBudgetDefaults,
  type InFlightBudget,
  type RetryBudgetOptions,
} from '../gates/retry-budget.ts';
export { tokenBudget, tokenBudgetDefaults, type TokenBudget, type TokenBudgetOptions } from '../gates/token-budget.ts';
export {
  constant,
  exponential,
  fibonacci,
  linear,
  type Backoff,
  type BackoffNote,
  type BackoffStep,
  type ExponentialOptions,
  type GrowingBackoffOptions,
} from './backoff.ts';
export { decorrelated, decorrelatedV2 } from './decorrelated.ts';
export {
  generated,
  type DelayFunction,
  type GeneratedBackoff,
  type GeneratedBackoffOptions,
  type GeneratedDelay,
} from './generated.ts';
export { ratio, type Jitter, type JitterFunction } from './jitter.ts';
export type { GiveUpReason, RetryEvent, RetryEvents, RetryGivenUpEvent } from './events.ts';
