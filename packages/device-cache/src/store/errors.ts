import { BreakwaterError } from 'breakwater/errors';

/** The store did not answer, or refused for a reason of its own; what was asked may be asked again. */
export class StoreUnavailableError extends BreakwaterError {
  constructor(kind: string, cause: unknown) {
    super(`the store (${kind}) is not available`, {
      code: 'STORE_UNAVAILABLE',
      category: 'database',
      retryAfterMs: 200,
      cause,
    });
  }
}
