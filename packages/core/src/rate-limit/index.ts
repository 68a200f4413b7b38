export { rateLimiter } from './local-limiter.ts';
export type { AcquireOptions, AcquireWaitOptions, CurrentLimit, RateLimiter, ServerResponse } from './rate-limiter.ts';
export type { RateLimiterStatistics, WaitStatistics } from './statistics.ts';
export {
  RATE_LIMITER_DEFAULTS,
  type CommonLimiterSettings,
  type LimiterSettings,
  type OneLimitOptions,
  type RateLimiterOptions,
  type SeveralLimitsOptions,
} from './options.ts';
export {
  anthropicLimits,
  azureOpenaiLimits,
  groqLimits,
  openaiLimits,
  type AnthropicQuota,
  type AzureOpenaiQuota,
  type GroqQuota,
  type OpenaiQuota,
} from './llm-limits.ts';
export type { LimitNumbers, LimitOptions, LimitTerms } from './limit-options.ts';
export { gcra } from './algorithms/gcra.ts';
export { slidingLog } from './algorithms/sliding-log.ts';
export { slidingWindow } from './algorithms/sliding-window.ts';
export { fixedWindow } from './algorithms/fixed-window.ts';
export type { LimitAlgorithm } from './algorithms/meter.ts';
export type { Cost } from './cost.ts';
export type { KeyList } from './access.ts';
export { sharedRateLimiter } from './shared/shared-limiter.ts';
export type {
  SharedAcquireOptions,
  SharedLimiterStatistics,
  SharedRateLimiter,
  SharedReservation,
  SharedWaitOptions,
} from './shared/shared-rate-limiter.ts';
export {
  SHARED_RATE_LIMITER_DEFAULTS,
  type OnStoreError,
  type SharedLimiterSettings,
  type SharedOneLimitOptions,
  type SharedRateLimiterOptions,
  type SharedSeveralLimitsOptions,
} from './shared/options.ts';
export { LimitStoreError } from './shared/errors.ts';
export type { LimitStoreState } from './shared/store-link.ts';
export type {
  AskedLimit,
  LimitAnswer,
  LimitHold,
  LimitQuestion,
  LimitReading,
  LimitStore,
  LimitStoreSource,
  StoreReservation,
  StoreReserved,
} from './shared/limit-store.ts';
export { shardedRateLimiter } from './sharded/sharded-limiter.ts';
export type {
  BalanceReport,
  ShardedAcquireOptions,
  ShardedRateLimiter,
  ShardedWaitOptions,
} from './sharded/sharded-rate-limiter.ts';
export { SHARDED_RATE_LIMITER_DEFAULTS, type ShardedRateLimiterOptions } from './sharded/options.ts';
export { redisLimits } from './shared/redis/redis-limits.ts';
export { ioredisPort, nodeRedisPort, type RedisPort, type RedisRoute, type RedisSend } from '../gates/redis/port.ts';
export { clientAddressKey } from './keys/client-address.ts';
export type { LimiterKey } from './keys/limiter-key.ts';
export type { OnFull } from './queue/queue-room.ts';
export type { RefusedReservation, Reservation, ReservationState, ReserveOptions } from './reservation.ts';
export { rateLimit } from './policy.ts';
export {
  RATE_LIMIT_DEFAULTS,
  type RateLimitedEvent,
  type RateLimitEvents,
  type RateLimitOptions,
  type RateLimitPolicy,
  type SharedRateLimitPolicy,
} from './policy-options.ts';
export type {
  LimitAdmittedEvent,
  LimitEvictedEvent,
  LimitHeldEvent,
  LimitQueuedEvent,
  LimitRefusedEvent,
  LimitSettledEvent,
  LimitStoreEvent,
  LimitUpdatedEvent,
  RateLimiterEvents,
} from './events.ts';
export { CostTooLargeError, RateLimitError, type RateLimitFacts, type RateLimitReason } from './errors.ts';
export type { RateLimitDecision } from './decision.ts';
export { dynamicLimits, type DynamicLimits, type LearnedLimits } from './dynamic/dynamic-limits.ts';
export type { AdjustmentReason, EndpointOutcome, EndpointStatistics } from './dynamic/endpoint-limit.ts';
export { DYNAMIC_LIMITS_DEFAULTS, type DynamicLimitsOptions } from './dynamic/options.ts';
