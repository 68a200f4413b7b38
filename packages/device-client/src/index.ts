/** `@breakwater/device-client`: a typed, resilient client of the device-metadata cache. */
export { DeviceCacheClient } from './client/device-cache-client.ts';
export type {
  AsyncDisposableWhereKnown,
  ConfigurationChanges,
  DeviceCacheClientConstructor,
  DeviceCacheMethods,
  DeviceCallOptions,
  DisposableClient,
  WatchOptions,
} from './client/client-contract.ts';
export { clientDefaults, type ClientOptions, type PolicyOverrides } from './client/options.ts';
export { nearCacheDefaults, type NearCacheOptions } from './client/near-cache-options.ts';
export type { CallPipeline } from './client/policies.ts';
export type {
  ClientTarget,
  ConnectionStringTarget,
  HttpTarget,
  RedisTarget,
  SuppliedRedisTarget,
} from './client/target.ts';
export type { Environment } from './client/settings-sources.ts';
export type { Logger } from './client/logger.ts';
export type { DeviceList } from './client/device-list.ts';
export type { WatchChange, WatchEvent, WatchReady, WatchResync } from './client/watch.ts';
export type { Token } from './http/http-requests.ts';
export type { RedisAddress } from './redis/redis-address.ts';
export type { RedisPool } from './redis/redis-connection.ts';
export {
  AccessDenied,
  ClientClosed,
  DeviceCacheError,
  DeviceNotFound,
  type FailureFacts,
  InvalidRequest,
  InvalidResponse,
  RateLimited,
  RequestTimedOut,
  ServiceUnavailable,
} from './errors/errors.ts';
export type {
  CacheInfo,
  ChangeCause,
  Datatype,
  Device,
  DeviceEntry,
  DeviceFilter,
  DeviceInput,
  DevicePage,
  DeviceSort,
  DeviceSummary,
  HealthCause,
  HealthLevel,
  HealthStatus,
  JsonObject,
  JsonValue,
  ListQuery,
  ProblemFault,
  Reading,
  ReadingsQuery,
  RedisKeyOptions,
  ResyncReason,
  StreamQuery,
} from './contract/index.ts';
