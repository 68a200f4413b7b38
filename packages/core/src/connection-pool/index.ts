/** Resources that are dear to make and can be used by one at a time, kept, checked, replaced and lent in turn. */
export { connectionPool } from './connection-pool.ts';
export { connectionPoolDefaults, type ConnectionPoolOptions, type CreateContext } from './options.ts';
export type {
  AcquireFailedEvent,
  AcquireOptions,
  AgeHistogram,
  ConnectionPool,
  ConnectionPoolEvents,
  DestroyReason,
  Lease,
  LeaseMethods,
  PoolStatistics,
  ResourceAcquiredEvent,
  ResourceCreatedEvent,
  ResourceCreateFailedEvent,
  ResourceDestroyedEvent,
  ResourceDestroyFailedEvent,
  ResourceReleasedEvent,
  ResourceUnhealthyEvent,
  TimeSummary,
} from './pool-contract.ts';
export {
  PoolClosedError,
  PoolFullError,
  PoolTimeoutError,
  ResourceTimeoutError,
  type PoolOccupancy,
} from './errors.ts';
export { instrumentPgPool, type InstrumentedPgPool, type PgPoolOptions } from './instrument-pg-pool.ts';
export type { PgClient, PgClientOf, PgPool } from './pg-port.ts';
