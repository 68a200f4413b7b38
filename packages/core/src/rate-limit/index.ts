export {
  rateLimiter,
  type AcquireOptions,
  type AcquireWaitOptions,
  type RateLimiter,
  type RateLimiterStatistics,
} from './limiter.ts';
export {
  rateLimit,
  RATE_LIMIT_DEFAULTS,
  type RateLimitedEvent,
  type RateLimitEvents,
  type RateLimitOptions,
  type RateLimitPolicy,
} from './policy.ts';
export { RATE_LIMITER_DEFAULTS, type RateLimiterOptions } from './options.ts';
export { CostTooLargeError, RateLimitError, type RateLimitFacts, type RateLimitReason } from './errors.ts';
export type { RateLimitDecision } from './decision.ts';
