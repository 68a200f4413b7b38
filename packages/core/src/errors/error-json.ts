import type { Clock, WallMs } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import type { ErrorCategory } from './category.ts';
import type { Redactor } from './redactor.ts';

/** An error as JSON that is fit for a response. */
export interface ErrorJson {
  readonly error: {
    readonly category: ErrorCategory;
    readonly code: string;
    readonly message: string;
    /** Facts for a program, the name of the `policy` among them where there is one; empty when there are none. */
    readonly details: Readonly<Record<string, unknown>>;
    /** When it happened: ISO 8601, in UTC. */
    readonly timestamp: string;
  };
  /** After how many seconds another try makes sense, rounded up; where that is known. */
  readonly retry_after?: number;
}

/** What of an error is told. */
export interface ErrorFacts {
  readonly category: ErrorCategory;
  readonly code: string;
  readonly message: string;
  readonly policy?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly timestamp?: WallMs | undefined;
}

/** The facts of an error as JSON. */
export function errorBody(facts: ErrorFacts, redactor: Redactor, clock: Clock = systemClock): ErrorJson {
  const { category, code, policy, retryAfterMs } = facts;
  const details = { ...(policy === undefined ? {} : { policy }), ...facts.details };
  // Together, so that what is secret in the details is found in the message too.
  const told = redactor.value({ message: facts.message, details }) as Pick<ErrorJson['error'], 'message' | 'details'>;
  const timestamp = new Date(facts.timestamp ?? clock.wallTime()).toISOString();
  return {
    error: { category, code, message: told.message, details: told.details, timestamp },
    ...(retryAfterMs === undefined ? {} : { retry_after: secondsOf(retryAfterMs) }),
  };
}

/** Whole seconds, rounded up: whoever waits them has waited long enough. */
export function secondsOf(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1_000));
}
