export {
  bulkhead,
  bulkheadDefaults,
  type Bulkhead,
  type BulkheadEvents,
  type BulkheadOptions,
  type BulkheadQueuedEvent,
  type BulkheadRejectedEvent,
  type DisposableWhereKnown,
  type Permit,
} from './bulkhead.ts';
export { BulkheadRejectedError } from './errors.ts';
