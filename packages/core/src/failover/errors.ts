import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/**
 * No endpoint could be asked: the policies of all refused the call. Code `NO_ENDPOINT`, category `circuit_breaker`;
 * `retryAfterMs` is when the first of them may take calls again, where they say, and the cause is the first refusal.
 */
export class NoEndpointError extends BreakwaterError {
  constructor(name: string, retryAfterMs: number | undefined, cause: unknown) {
    super(`none of the endpoints takes calls (${name})`, {
      code: 'NO_ENDPOINT',
      category: 'circuit_breaker',
      policy: name,
      retryAfterMs,
      cause,
    });
  }
}
nameError(NoEndpointError, 'NoEndpointError');
