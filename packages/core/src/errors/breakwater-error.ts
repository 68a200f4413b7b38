import type { ErrorCategory } from './category.ts';

/** The same in every copy of the library, so that an error is recognised across them. */
const brand: unique symbol = Symbol.for('breakwater.error') as never;

/** What every Breakwater error is made of. */
export interface BreakwaterErrorOptions {
  /** The stable code, for programs; every code has a row in docs/errors.md. */
  readonly code: string;
  /** The kind of trouble. */
  readonly category: ErrorCategory;
  /** The name of the policy that failed the call. */
  readonly policy?: string | undefined;
  /** After how many milliseconds another try makes sense, where that is known. */
  readonly retryAfterMs?: number | undefined;
  /** Facts for a program to act on; plain data. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** An error as JSON; see {@link BreakwaterError.toJSON}. */
export interface ErrorJson {
  readonly error: {
    readonly category: ErrorCategory;
    readonly code: string;
    readonly message: string;
    readonly policy?: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
  /** Seconds, rounded up. */
  readonly retry_after?: number;
}

/** The base of all errors that Breakwater makes. The errors of a user's function pass through untouched. */
export class BreakwaterError extends Error {
  readonly code: string;
  readonly category: ErrorCategory;
  readonly policy: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(message: string, options: BreakwaterErrorOptions) {
    // `cause: undefined` would still make an own property, which loggers print.
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.category = options.category;
    this.policy = options.policy;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }

  /** The error as data, without stack and without cause: fit for a response. */
  toJSON(): ErrorJson {
    return {
      error: {
        category: this.category,
        code: this.code,
        message: this.message,
        ...(this.policy === undefined ? {} : { policy: this.policy }),
        ...(this.details === undefined ? {} : { details: this.details }),
      },
      ...(this.retryAfterMs === undefined ? {} : { retry_after: Math.ceil(this.retryAfterMs / 1000) }),
    };
  }
}

Object.defineProperty(BreakwaterError.prototype, brand, { value: true });
Object.defineProperty(BreakwaterError.prototype, 'name', {
  value: 'BreakwaterError',
  configurable: true,
  writable: true,
});

/**
 * True for an error of Breakwater, from whichever copy of the library it came.
 *
 * @param code When given, only an error with this code counts.
 */
export function isBreakwaterError(error: unknown, code?: string): error is BreakwaterError {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false;
  return code === undefined || (error as { readonly code?: unknown }).code === code;
}

/** @internal Names an error class in stacks and logs without a property on each instance. */
export function nameError(errorClass: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
}
