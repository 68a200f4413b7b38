import { classify, isBreakwaterError } from 'breakwater/errors';
import { AccessDenied, DeviceCacheError, InvalidResponse, RequestTimedOut, ServiceUnavailable } from './errors.ts';

/**
 * What a call fails with, in the words of the client, from what its transport or one of its policies failed with. The
 * errors of the client itself and faults of its configuration stay as they are.
 *
 * @param what What was being done: `getDevice`.
 * @param isOwn Whether it is the caller's own error, such as the reason of its abort, which stays as it is too.
 */
export function failureOfCall(error: unknown, what: string, isOwn = false): unknown {
  if (isOwn || error instanceof DeviceCacheError || isBreakwaterError(error, 'CONFIGURATION')) return error;
  const { category, code } = classify(error);
  const retryAfterMs = isBreakwaterError(error) ? error.retryAfterMs : undefined;
  const more = { cause: error, details: { reason: code }, retryAfterMs };
  if (category === 'timeout') return new RequestTimedOut(`${what}: there was no answer in time`, more);
  if (category === 'authentication') {
    return new AccessDenied(`${what}: the credentials were not accepted`, 'UNAUTHENTICATED', more);
  }
  if (code === 'REDIS_WRONGTYPE') {
    return new InvalidResponse(`${what}: a key in Redis holds something else than the contract says`, [], more);
  }
  return new ServiceUnavailable(`${what}: ${SENTENCES[category] ?? 'the device cache failed'} (${code})`, more);
}

const SENTENCES: Readonly<Record<string, string>> = Object.freeze({
  circuit_breaker: 'the device cache is left alone after failures',
  network: 'the device cache could not be reached',
  cache: 'Redis failed',
});

/** Whether an error tells of trouble with the service: what a breaker counts. Neither wrong requests nor limits do. */
export function isServiceFailure(error: unknown): boolean {
  const { category } = classify(error);
  return category !== 'validation' && category !== 'authentication' && category !== 'rate_limit';
}
