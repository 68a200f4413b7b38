import type { WallMs } from 'breakwater/clock';
import { retryAfterMs } from 'breakwater/headers';
import { type Problem, problemSchema } from '../contract/problem.ts';
import {
  AccessDenied,
  InvalidRequest,
  InvalidResponse,
  RateLimited,
  RequestTimedOut,
  ServiceUnavailable,
} from '../errors/errors.ts';
import { faultsOf } from '../transport/conforming.ts';

/** The error for a response that is none of those that were expected. */
export function problemError(what: string, response: Response, text: string, wallTime: WallMs): Error {
  const { status, headers } = response;
  const problem = problemIn(text);
  const message = `${what}: ${problem?.detail ?? `status ${status}`}`;
  const more = {
    retryAfterMs: retryAfterMs(headers, wallTime, status) ?? secondsAsMs(problem?.retry_after),
    details: { reason: problem?.code ?? `API_${status}`, status, ...requestId(response, problem) },
  };
  if (status === 401) return new AccessDenied(message, 'UNAUTHENTICATED', more);
  if (status === 403) return new AccessDenied(message, 'FORBIDDEN', more);
  if (status === 429) return new RateLimited(message, more);
  if (status === 408 || status === 504) return new RequestTimedOut(message, more);
  if (status >= 500) return new ServiceUnavailable(message, more);
  if (status >= 400 && problem !== undefined) {
    return new InvalidRequest(message, problem.faults ?? [], problem.code, more);
  }
  // Not one that the service gives: another server stands there, or a proxy before it.
  return new InvalidResponse(
    `${what}: status ${status} without a problem document: is this the device cache?`,
    [],
    more,
  );
}

function problemIn(text: string): Problem | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return faultsOf(problemSchema, value, '').length === 0 ? (value as Problem) : undefined;
  } catch (error) {
    // A proxy's page is no JSON; nothing else is thrown here.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function requestId(response: Response, problem: Problem | undefined): { readonly requestId?: string } {
  const id = problem?.request_id ?? response.headers.get('x-request-id');
  return id === null ? {} : { requestId: id };
}

const secondsAsMs = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1000;
