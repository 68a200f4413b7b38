import type { WallMs } from '../clock/clock.ts';
import type { ErrorCategory } from './category.ts';
import { errorBody, type ErrorJson } from './error-json.ts';
import { defaultRedactor } from './redactor.ts';

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
  /** When it happened, by the wall clock; default: when it is turned into JSON. */
  readonly timestamp?: WallMs | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** The base of all errors that Breakwater makes. The errors of a user's function pass through untouched. */
export class BreakwaterError extends Error {
  readonly code: string;
  readonly category: ErrorCategory;
  readonly policy: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** When it happened, where that was said. */
  declare readonly timestamp?: WallMs;

  constructor(message: string, options: BreakwaterErrorOptions) {
    // `cause: undefined` would still make an own property, which loggers print.
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.category = options.category;
    this.policy = options.policy;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
    // Few errors are given one; the others need no field for it.
    if (options.timestamp !== undefined) this.timestamp = options.timestamp;
  }

  /**
   * The error as data that is fit for a response: without stack, cause, or what looks secret. For another redaction, or
   * RFC 9457, see `errorJson` and `problemDetails`.
   */
  toJSON(): ErrorJson {
    return errorBody(this, defaultRedactor);
  }
}

Object.defineProperty(BreakwaterError.prototype, brand, { value: true });
nameError(BreakwaterError, 'BreakwaterError');

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
