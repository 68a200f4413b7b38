/** `@breakwater/device-client/contract`: what service and client say to each other, as types, as schemas and as keys. */
export type { JsonObject, JsonValue } from './json-value.ts';
export {
  CATEGORY_PATTERN,
  DEFAULT_PAGE,
  DEVICE_ID_PATTERN,
  DEVICE_PATTERN_PATTERN,
  INDEX_PATTERN,
  MAX_BATCH,
  MAX_PAGE,
  TIMESTAMP_PATTERN,
  UNCATEGORISED,
} from './limits.ts';
export { timestampMs } from './timestamp.ts';
export {
  categoryOf,
  type Datatype,
  datatypeSchema,
  type Reading,
  type ReadingMessage,
  readingMessageSchema,
  readingOf,
  readingSchema,
} from './reading.ts';
export {
  type BatchRequest,
  batchRequestSchema,
  type BatchResult,
  batchResultSchema,
  type Device,
  type DeviceEntry,
  deviceIdSchema,
  type DeviceInput,
  deviceInputSchema,
  type DevicePage,
  devicePageSchema,
  deviceSchema,
  type DeviceSummary,
  deviceSummarySchema,
  type PutManyRequest,
  putManyRequestSchema,
  type PutManyResult,
  putManyResultSchema,
  type ReadingList,
  readingListSchema,
} from './device.ts';
export {
  type DeviceFilter,
  type DeviceSort,
  type ListQuery,
  listQuerySchema,
  type ReadingsQuery,
  readingsQuerySchema,
  type StreamQuery,
  streamQuerySchema,
} from './query.ts';
export { matchesPattern, needsReadings, passesFilter } from './device-filter.ts';
export {
  IDEMPOTENCY_KEY_HEADER,
  type IngestRequest,
  ingestRequestSchema,
  type IngestResult,
  ingestResultSchema,
  type RejectedReading,
} from './ingest.ts';
export {
  type CacheInfo,
  cacheInfoSchema,
  type HealthCause,
  type HealthLevel,
  type HealthStatus,
  healthStatusSchema,
} from './state.ts';
export {
  type ChangeCause,
  type ChangeData,
  changeDataSchema,
  type ResyncData,
  resyncDataSchema,
  type ResyncReason,
  streamEvents,
} from './stream.ts';
export { PROBLEM_CONTENT_TYPE, type Problem, problemCodes, type ProblemFault, problemSchema } from './problem.ts';
export { devicePath, paths } from './paths.ts';
export {
  CHANGE_LOG_LENGTH,
  DEFAULT_TTL_SECONDS,
  redisKeys,
  type RedisKeyOptions,
  type RedisKeys,
} from './redis-keys.ts';
export {
  changeOfEntry,
  type ChangeLogState,
  EMPTY_CHANGE_LOG,
  isChangePosition,
  missedChanges,
  READ_CHANGES_SCRIPT,
} from './redis-change-log.ts';
