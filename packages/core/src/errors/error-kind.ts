import type { ErrorCategory } from './category.ts';

/** What the classifiers look at. */
export interface ErrorShape {
  readonly name?: unknown;
  readonly constructor?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly response?: unknown;
  readonly severity?: unknown;
  readonly retryAfterMs?: unknown;
  readonly retryable?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** A kind of trouble, before what the error itself says of another try. */
export interface Kind {
  readonly category: ErrorCategory;
  readonly code: string;
  readonly retryable?: boolean | undefined;
  readonly status?: number | undefined;
}
