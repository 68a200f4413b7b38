import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/**
 * All permits are taken, and the queue is full (code `BULKHEAD_FULL`) or the wait in it took too long (code
 * `BULKHEAD_WAIT_TIMEOUT`). Category `bulkhead`.
 */
export class BulkheadRejectedError extends BreakwaterError {
  constructor(policy: string, code: 'BULKHEAD_FULL' | 'BULKHEAD_WAIT_TIMEOUT', message: string) {
    super(`${message} (${policy})`, { code, category: 'bulkhead', policy });
  }
}
nameError(BulkheadRejectedError, 'BulkheadRejectedError');
