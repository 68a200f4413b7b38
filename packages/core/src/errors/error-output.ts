import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { isBreakwaterError } from './breakwater-error.ts';
import { builtInCatalog, type ErrorCatalog } from './catalog.ts';
import type { ErrorCategory } from './category.ts';
import { errorBody, type ErrorFacts, type ErrorJson, secondsOf } from './error-json.ts';
import { defaultRedactor, type Redactor } from './redactor.ts';

/** How an error is told. */
export interface ErrorOutputOptions {
  /** The application's own errors; default: the library's alone. */
  readonly catalog?: ErrorCatalog | undefined;
  /** Takes out what is secret; default: what {@link redactor} always takes out. */
  readonly redactor?: Redactor | undefined;
  /** Where the time of an error comes from that has none; default: the system. */
  readonly clock?: Clock | undefined;
  /**
   * Whether the messages of errors that are not of the library leave too. Default false: they are written for
   * developers, and hold table names, paths and queries; the title of the category stands for them.
   */
  readonly foreignMessages?: boolean | undefined;
}

/** An error by RFC 9457; to be sent as `application/problem+json`. */
export interface ProblemDetails {
  /** A URI that says more; `about:blank` where there is none. */
  readonly type: string;
  readonly title: string;
  /** The HTTP status to send it with. */
  readonly status: number;
  readonly detail: string;
  /** The request that it is about, where one was given. */
  readonly instance?: string;
  readonly category: ErrorCategory;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly timestamp: string;
  /** Seconds, rounded up. */
  readonly retry_after?: number;
}

/** An error for a log: with its own message and those of its causes, redacted, and without stacks. */
export interface ErrorLogEntry {
  readonly name: string;
  readonly category: ErrorCategory;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  /** What else was said about the occurrence. */
  readonly context: unknown;
  /** The causes, the nearest first: at most five. */
  readonly causes: readonly { readonly name: string; readonly message: string; readonly code?: unknown }[];
}

const MOST_CAUSES = 5;

/** Any error as JSON that is fit for a response: classified, redacted, without stack and cause. */
export function errorJson(error: unknown, options: ErrorOutputOptions = {}): ErrorJson {
  const { redactor = defaultRedactor, clock = systemClock } = options;
  return errorBody(factsOf(error, options), redactor, clock);
}

/**
 * Any error as problem details (RFC 9457).
 *
 * @param instance The request that it is about, such as its path; the query is left out.
 */
export function problemDetails(
  error: unknown,
  options: ErrorOutputOptions & { readonly instance?: string } = {},
): ProblemDetails {
  const { catalog = builtInCatalog, redactor = defaultRedactor, instance } = options;
  const { error: told, ...wait } = errorJson(error, options);
  const { title, status, type } = catalog.presentation(catalog.classify(error));
  const { message, category, code, details, timestamp } = told;
  return {
    type,
    title,
    status,
    detail: message,
    ...(instance === undefined ? {} : { instance: redactor.text(instance) }),
    category,
    code,
    details,
    timestamp,
    ...wait,
  };
}

/** The headers that belong to {@link problemDetails} or {@link errorJson} in a response. */
export function errorHeaders(
  error: unknown,
  contentType = 'application/problem+json',
  { catalog = builtInCatalog }: Pick<ErrorOutputOptions, 'catalog'> = {},
): Record<string, string> {
  const { retryAfterMs } = catalog.classify(error);
  const headers = { 'content-type': contentType };
  return retryAfterMs === undefined ? headers : { ...headers, 'retry-after': String(secondsOf(retryAfterMs)) };
}

/**
 * Any error for a log.
 *
 * @param context What else is known about the occurrence, such as the headers of the request.
 */
export function errorLogEntry(error: unknown, context?: unknown, options: ErrorOutputOptions = {}): ErrorLogEntry {
  const { catalog = builtInCatalog, redactor = defaultRedactor } = options;
  const { category, code, retryable } = catalog.classify(error);
  const { name, message } = named(error);
  const details = isBreakwaterError(error) ? (error.details ?? {}) : {};
  const told = { name, message, details, context, causes: causesOf(error) };
  const clean = redactor.value(told) as Pick<ErrorLogEntry, 'name' | 'message' | 'details' | 'context' | 'causes'>;
  return { ...clean, category, code, retryable };
}

function factsOf(
  error: unknown,
  { catalog = builtInCatalog, foreignMessages = false }: ErrorOutputOptions,
): ErrorFacts {
  if (isBreakwaterError(error)) return error;
  const kind = catalog.classify(error);
  const message = foreignMessages ? named(error).message : catalog.presentation(kind).title;
  return { ...kind, message };
}

function named(error: unknown): { readonly name: string; readonly message: string } {
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: typeof error, message: typeof error === 'string' ? error : 'what was thrown is no Error' };
}

function causesOf(error: unknown): { name: string; message: string; code?: unknown }[] {
  const causes: { name: string; message: string; code?: unknown }[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && causes.length < MOST_CAUSES) {
    const { code } = Object(cause) as { readonly code?: unknown };
    causes.push({ ...named(cause), ...(code === undefined ? {} : { code }) });
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}
