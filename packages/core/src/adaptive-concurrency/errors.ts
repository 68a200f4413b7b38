import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/**
 * As many calls are running as the upstream is believed to take, and the queue is full (code `CONCURRENCY_LIMIT`) or the
 * wait in it took too long (code `CONCURRENCY_WAIT_TIMEOUT`). Category `bulkhead`.
 */
export class ConcurrencyLimitError extends BreakwaterError {
  constructor(policy: string, code: 'CONCURRENCY_LIMIT' | 'CONCURRENCY_WAIT_TIMEOUT', message: string, limit: number) {
    super(`${message} (${policy})`, { code, category: 'bulkhead', policy, details: { limit } });
  }
}
nameError(ConcurrencyLimitError, 'ConcurrencyLimitError');
