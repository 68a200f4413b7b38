import type { ErrorCategory } from '../errors/category.ts';
import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';
import type { NetworkTrouble } from '../errors/network-failure.ts';

/** Which request an error is about. The query is left out: it may hold secrets. */
export interface RequestFacts {
  readonly method: string;
  /** The path of the URL, without query. */
  readonly path: string;
}

/** What a {@link HttpStatusError} knows of the response. */
export interface ResponseFacts {
  readonly status: number;
  /** The beginning of the body, where it is text, without what looks secret. */
  readonly body: string | undefined;
  readonly retryAfterMs: number | undefined;
}

/**
 * A response whose status counts as a failure. Code `HTTP_<status>`, such as `HTTP_503`; category `rate_limit` (429),
 * `authentication` (401, 403, 407), `validation` (other 4xx but 408 and 425), otherwise `external_service`.
 * `retryAfterMs` is what the server's headers ask for.
 */
export class HttpStatusError extends BreakwaterError {
  readonly status: number;
  readonly method: string;
  readonly path: string;
  /** The beginning of the body, where it is text: at most `maxErrorBodyBytes`, and without what looks secret. */
  readonly body: string | undefined;
  /** False when the request must not be sent again. */
  readonly retryable: boolean;

  constructor(request: RequestFacts, response: ResponseFacts, retryable = true) {
    const { status, body, retryAfterMs } = response;
    super(`${request.method} ${request.path} was answered with status ${status}`, {
      code: `HTTP_${status}`,
      category: categoryOfStatus(status),
      retryAfterMs,
      details: { status, method: request.method, path: request.path },
    });
    this.status = status;
    this.method = request.method;
    this.path = request.path;
    this.body = body;
    this.retryable = retryable;
  }
}
nameError(HttpStatusError, 'HttpStatusError');

/** The category of an error for this status. */
function categoryOfStatus(status: number): ErrorCategory {
  if (status === 429) return 'rate_limit';
  if (status === 401 || status === 403 || status === 407) return 'authentication';
  if (status === 408 || status === 425) return 'external_service';
  return status >= 400 && status < 500 ? 'validation' : 'external_service';
}

/**
 * No complete response came. Category `network`; the platform's error is the cause. Code `NETWORK_` and what happened:
 * `REFUSED` (nobody listens), `RESET` (the connection broke), `DNS` (no such host), `TIMEOUT` (the platform's own),
 * `UNREACHABLE`, `TLS` (the certificate or handshake), `PROTOCOL` (what came is no HTTP), `FAILED` (the platform
 * doesn't say).
 */
export class NetworkError extends BreakwaterError {
  readonly method: string;
  readonly path: string;
  /** The platform's code, where it has one: `ECONNREFUSED`. */
  readonly systemCode: string | undefined;
  /** False when the request must not be sent again. */
  readonly retryable: boolean;

  constructor(
    request: RequestFacts,
    trouble: NetworkTrouble,
    systemCode: string | undefined,
    cause: unknown,
    retryable = true,
  ) {
    super(
      `${request.method} ${request.path}: ${SENTENCES[trouble]}${systemCode === undefined ? '' : ` (${systemCode})`}`,
      {
        code: `NETWORK_${trouble}`,
        category: 'network',
        details: { method: request.method, path: request.path, ...(systemCode === undefined ? {} : { systemCode }) },
        cause,
      },
    );
    this.method = request.method;
    this.path = request.path;
    this.systemCode = systemCode;
    this.retryable = retryable;
  }
}
nameError(NetworkError, 'NetworkError');

const SENTENCES: Readonly<Record<NetworkTrouble, string>> = Object.freeze({
  REFUSED: 'the connection was refused',
  RESET: 'the connection broke off',
  DNS: 'the host name could not be resolved',
  TIMEOUT: 'the connection timed out',
  UNREACHABLE: 'the host could not be reached',
  TLS: 'no secure connection could be made',
  PROTOCOL: 'what came back is not valid HTTP',
  FAILED: 'the request failed',
});

/** What of a request took too long: to be connected, to be answered, the next chunk of the body, or its reader. */
export type HttpPhase = 'connect' | 'headers' | 'body' | 'unread';

/**
 * A part of a request took longer than its own limit. Category `timeout`. Code `HTTP_TIMEOUT_` and what it was:
 * `CONNECT`, `HEADERS`, `BODY` (silent while somebody waited for more), `UNREAD` (nobody read it).
 */
export class HttpTimeoutError extends BreakwaterError {
  readonly phase: HttpPhase;
  readonly timeoutMs: number;
  readonly method: string;
  readonly path: string;
  /** False when the request must not be sent again. */
  readonly retryable: boolean;

  constructor({ method, path }: RequestFacts, phase: HttpPhase, timeoutMs: number, retryable = true) {
    super(`${method} ${path}: ${OVERDUE[phase]} for ${timeoutMs} ms`, {
      code: `HTTP_TIMEOUT_${phase.toUpperCase()}`,
      category: 'timeout',
      details: { method, path, timeoutMs },
    });
    this.phase = phase;
    this.timeoutMs = timeoutMs;
    this.method = method;
    this.path = path;
    this.retryable = retryable;
  }
}
nameError(HttpTimeoutError, 'HttpTimeoutError');

const OVERDUE: Readonly<Record<HttpPhase, string>> = Object.freeze({
  connect: 'there was no connection',
  headers: 'there was no answer',
  body: 'the body was silent',
  unread: 'nobody read the body',
});

/** A body that was to be read whole is larger than `maxBodyBytes`. Code `RESPONSE_TOO_LARGE`, category `validation`. */
export class ResponseTooLargeError extends BreakwaterError {
  constructor(request: RequestFacts, maxBodyBytes: number) {
    super(`the response to ${request.method} ${request.path} is larger than ${maxBodyBytes} bytes`, {
      code: 'RESPONSE_TOO_LARGE',
      category: 'validation',
      details: { method: request.method, path: request.path, maxBodyBytes },
    });
  }
}
nameError(ResponseTooLargeError, 'ResponseTooLargeError');

/**
 * An attempt failed, and the request can't be sent again: its body is a stream, or it might have its effect twice.
 * Code `REQUEST_NOT_REPEATABLE`, category `validation`; the failure of the attempt is the cause.
 */
export class RequestNotRepeatableError extends BreakwaterError {
  constructor(request: RequestFacts, why: string, cause: unknown) {
    super(`${request.method} ${request.path} was not sent again: ${why}`, {
      code: 'REQUEST_NOT_REPEATABLE',
      category: 'validation',
      details: { method: request.method, path: request.path },
      cause,
    });
  }
}
nameError(RequestNotRepeatableError, 'RequestNotRepeatableError');

/**
 * @internal What `fetch` refuses to send. It carries the platform's error, which the caller gets, past the policies:
 * they learn that another try is pointless.
 */
export class InvalidRequestError extends BreakwaterError {
  constructor(request: RequestFacts, cause: unknown) {
    super(`${request.method} ${request.path} can't be sent`, {
      code: 'INVALID_REQUEST',
      category: 'validation',
      cause,
    });
  }
}
nameError(InvalidRequestError, 'InvalidRequestError');
