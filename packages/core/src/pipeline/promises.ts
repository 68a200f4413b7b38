import type { Outcome } from '../policy/outcome.ts';

/** A promise that is settled from outside. */
export interface Deferred {
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

// One function captures the resolvers of all deferreds, so that making one allocates no closure.
let capturedResolve: (value: unknown) => void;
let capturedReject: (error: unknown) => void;
function captureResolvers(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  capturedResolve = resolve;
  capturedReject = reject;
}

export function deferred(): Deferred {
  const promise = new Promise(captureResolvers);
  return { promise, resolve: capturedResolve, reject: capturedReject };
}

/** Whether `value` is to be awaited. */
export function isThenable(value: unknown): boolean {
  return (
    value instanceof Promise ||
    (typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function')
  );
}

/**
 * The promise of a call that has ended before it could be waited for. A rejection comes a microtask later, when the
 * caller listens already: a promise that is rejected with nobody listening costs the engine's bookkeeping for that.
 */
export function settledPromise(outcome: Outcome, asOutcome: boolean): Promise<unknown> {
  if (asOutcome) return Promise.resolve(outcome);
  if (outcome.ok) return Promise.resolve(outcome.value);
  return new Promise((_resolve, reject) => queueMicrotask(() => reject(outcome.error)));
}
