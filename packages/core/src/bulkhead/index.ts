export { bulkhead, type Bulkhead } from './bulkhead.ts';
export { BulkheadRejectedError } from './errors.ts';
export type { BulkheadEvents, BulkheadQueuedEvent, BulkheadRejectedEvent } from './events.ts';
export { bulkheadDefaults, type AcquireOptions, type BulkheadOptions, type TryAcquireOptions } from './options.ts';
export type { DisposableWhereKnown, Permit } from './permit.ts';
export type { PermitStatistics } from '../gates/permits.ts';
