import { BreakwaterError, nameError } from '../../errors/breakwater-error.ts';
import { withoutStack } from '../../errors/rejection.ts';

/**
 * The store of a shared limiter gave no answer in time, or is known to be away, so that nothing is known about the limit.
 * Code `LIMIT_STORE_UNAVAILABLE`, category `database`, since no limit was exceeded; `retryAfterMs` says when
 * it is asked again.
 */
export class LimitStoreError extends BreakwaterError {
  constructor(
    limiter: string,
    reason: string,
    facts: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(`the store of the limiter ${limiter} ${reason}`, {
      code: 'LIMIT_STORE_UNAVAILABLE',
      category: 'database',
      policy: limiter,
      ...facts,
    });
  }
}
nameError(LimitStoreError, 'LimitStoreError');

/** @internal At the price of a rejection. */
export function limitStoreError(...facts: ConstructorParameters<typeof LimitStoreError>): LimitStoreError {
  return withoutStack(() => new LimitStoreError(...facts));
}
