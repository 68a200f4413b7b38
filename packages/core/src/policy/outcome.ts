/** A call that was answered. */
export interface Success<T> {
  readonly ok: true;
  readonly value: T;
  /** How many times the user's function was started in the whole call. */
  readonly attempts: number;
}

/** A call that failed. */
export interface Failure {
  readonly ok: false;
  readonly error: unknown;
  /** How many times the user's function was started in the whole call; 0 when a policy refused it. */
  readonly attempts: number;
}

/** How a call ended. */
export type Outcome<T = unknown> = Success<T> | Failure;

class Succeeded<T> implements Success<T> {
  readonly ok = true;
  readonly value: T;
  attempts = 0;

  constructor(value: T) {
    this.value = value;
  }
}

class Failed implements Failure {
  readonly ok = false;
  readonly error: unknown;
  attempts = 0;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Makes its error when somebody looks at it: an open breaker refuses a million calls whose errors nobody reads. */
class Refused implements Failure {
  readonly ok = false;
  attempts = 0;
  private makeError: ((detail: number) => Error) | undefined;
  private detail: number;
  private made: Error | undefined;

  constructor(makeError: (detail: number) => Error, detail: number) {
    this.makeError = makeError;
    this.detail = detail;
  }

  get error(): Error {
    if (this.makeError !== undefined) {
      this.made = this.makeError(this.detail);
      this.makeError = undefined;
    }
    return this.made!;
  }

  toJSON(): Failure {
    return { ok: false, error: this.error, attempts: this.attempts };
  }

  /** What a console shows: how the error comes about is nobody's business. */
  [Symbol.for('nodejs.util.inspect.custom')](): Failure {
    return this.toJSON();
  }
}

/** The outcome of a call that was answered with `value`. */
export function success<T>(value: T): Success<T> {
  return new Succeeded(value);
}

/** The outcome of a call that failed with `error`. */
export function failure(error: unknown): Failure {
  return new Failed(error);
}

/**
 * The outcome of a call that a policy refuses. Its error is made when it is first read.
 *
 * @param makeError Makes the error; pass one function for all calls, not a closure for each.
 * @param detail What that function needs to know of this call, such as milliseconds until another try makes sense.
 */
export function refusal(makeError: (detail: number) => Error, detail = 0): Failure {
  return new Refused(makeError, detail);
}

/**
 * The same outcome with the number of attempts of its call. A policy may well give one object to all calls that it
 * refuses: only one that has not been counted yet, and can be, is changed in place.
 */
export function withAttempts(outcome: Outcome, attempts: number): Outcome {
  if (outcome.attempts === attempts) return outcome;
  if (outcome.attempts === 0 && Object.isExtensible(outcome)) {
    (outcome as { attempts: number }).attempts = attempts;
    return outcome;
  }
  return outcome.ok ? { ok: true, value: outcome.value, attempts } : { ok: false, error: outcome.error, attempts };
}
