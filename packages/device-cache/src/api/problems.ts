import {
  type Problem,
  PROBLEM_CONTENT_TYPE,
  problemCodes,
  type ProblemFault,
} from '@breakwater/device-client/contract';
import { BreakwaterError, errorCatalog, type ErrorCatalog, isBreakwaterError, problemDetails } from 'breakwater/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';

type ProblemCode = keyof typeof problemCodes;

const kinds: Readonly<Record<ProblemCode, readonly [category: string, title: string]>> = {
  INVALID_REQUEST: ['validation', 'The request is not valid'],
  UNAUTHENTICATED: ['authentication', 'A token is needed that is known here'],
  FORBIDDEN: ['authentication', 'The token does not allow this'],
  DEVICE_NOT_FOUND: ['validation', 'There is no such device'],
  NOT_FOUND: ['validation', 'There is nothing at this address'],
  METHOD_NOT_ALLOWED: ['validation', 'This address does not know the method'],
  IDEMPOTENCY_CONFLICT: ['validation', 'The idempotency key was used for another request'],
  BODY_TOO_LARGE: ['validation', 'The body is too large'],
  UNSUPPORTED_MEDIA_TYPE: ['validation', 'The body is of a type that is not read here'],
  RATE_LIMITED: ['rate_limit', 'Too many requests'],
  STORE_UNAVAILABLE: ['database', 'The store is not available'],
  SHUTTING_DOWN: ['internal', 'The service is shutting down'],
  INTERNAL: ['internal', 'Internal error'],
};

const catalog: ErrorCatalog = errorCatalog({
  errors: Object.entries(kinds).map(([code, [category, title]]) => ({
    code,
    category,
    title,
    status: problemCodes[code as ProblemCode],
  })),
});

/** What an {@link ApiError} says beside its code. */
export interface ApiErrorFacts {
  readonly message?: string;
  readonly faults?: readonly ProblemFault[];
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** An error that the API answers with a problem of its own. */
export class ApiError extends BreakwaterError {
  readonly faults: readonly ProblemFault[] | undefined;

  constructor(code: ProblemCode, { message = kinds[code][1], faults, retryAfterMs, cause }: ApiErrorFacts = {}) {
    super(message, { code, category: kinds[code][0], retryAfterMs, cause });
    this.faults = faults;
  }
}

/** Any error as the problem that is answered. What nobody knows says nothing of itself. */
export function problemOf(error: unknown, path: string, requestId: string): Problem {
  const told = apiErrorOf(error);
  const instance = path.split('?', 1)[0]!.slice(0, 500);
  const problem = problemDetails(told, { catalog, instance });
  const faults = told instanceof ApiError ? told.faults : undefined;
  return { ...problem, request_id: requestId, ...(faults === undefined ? {} : { faults }) };
}

/** Answers with a problem. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const problem = problemOf(error, request.url, request.id);
  if (problem.retry_after !== undefined) void reply.header('retry-after', String(problem.retry_after));
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
  return reply.status(problem.status).type(PROBLEM_CONTENT_TYPE).send(JSON.stringify(problem));
}

interface FrameworkError {
  readonly code?: unknown;
  readonly statusCode?: unknown;
}

const byFrameworkCode: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_REP_INVALID_PAYLOAD_TYPE: 'INTERNAL',
};

function apiErrorOf(error: unknown): BreakwaterError {
  if (isBreakwaterError(error)) {
    return error instanceof ApiError || catalog.definition(error.code) !== undefined
      ? error
      : new ApiError('INTERNAL', { cause: error });
  }
  const { code, statusCode } = Object(error) as FrameworkError;
  const known = byFrameworkCode[String(code)];
  if (known !== undefined) return new ApiError(known, { cause: error });
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new ApiError('INVALID_REQUEST', { cause: error });
  }
  return new ApiError('INTERNAL', { cause: error });
}
