import type { Failure, Outcome } from '../policy/outcome.ts';

/** Settles a deferred promise with a value, or with a {@link resolution}. */
export type Settle = (value: unknown) => void;

let captured: Settle;

/** What the promise that was made last with {@link captureSettle} is settled by. */
export function lastSettle(): Settle {
  return captured;
}

/** The executor of all deferred promises: one function for all, so that each costs no closure and no object. */
export function captureSettle(settle: Settle): void {
  captured = settle;
}

/** Whether `value` is to be awaited: what `await` would wait for, a function with a `then` included. */
export function isThenable(value: unknown): boolean {
  if (value instanceof Promise) return true;
  const mayBe = typeof value === 'object' ? value !== null : typeof value === 'function';
  return mayBe && typeof (value as { then?: unknown }).then === 'function';
}

/**
 * Rejects the promise that is resolved with it. Throwing inside a `then` costs five times as much, and a promise that
 * is rejected before anybody listens costs the engine's bookkeeping for that; this rejection comes a microtask later.
 */
class Rejection {
  private readonly outcome: Failure;

  constructor(outcome: Failure) {
    this.outcome = outcome;
  }

  // oxlint-disable-next-line unicorn/no-thenable
  then(_resolve: unknown, reject: Settle): void {
    reject(this.outcome.error);
  }
}

/** What a promise is resolved with to end as a call has ended. */
export function resolution(outcome: Outcome, asOutcome: boolean): unknown {
  if (asOutcome) return outcome;
  return outcome.ok ? outcome.value : new Rejection(outcome);
}
