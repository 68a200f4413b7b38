import { resolveOptions } from '../options/resolve.ts';
import { callable, positiveMilliseconds, type Rules } from '../options/rules.ts';
import { type Backoff, backoffRule, type BackoffStep, exponential } from './backoff.ts';

/** A delay in milliseconds; undefined to leave this one to the backoff that stands in. */
export type GeneratedDelay = number | undefined;

/** Computes a delay, at once or as a promise. It may throw; the backoff that stands in gives the delay then. */
export type DelayFunction = (step: BackoffStep) => GeneratedDelay | PromiseLike<GeneratedDelay>;

/** Options of {@link generated}. */
export interface GeneratedBackoffOptions {
  /** The longest delay, in milliseconds; default 60,000. A longer one is cut to it. */
  readonly maxMs?: number | undefined;
  /** The backoff that gives the delay where the function gives none; default `exponential()`. */
  readonly otherwise?: Backoff | undefined;
}

/** A backoff whose delays a function of the user's computes; see {@link generated}. */
export interface GeneratedBackoff {
  readonly delayMs: DelayFunction;
  /** The longest delay, in milliseconds. */
  readonly maxMs: number;
  readonly jittered: true;
  readonly otherwise: Backoff;
}

const generatedDefaults = Object.freeze({ maxMs: 60_000, otherwise: exponential() });

const generatedRules: Rules<GeneratedBackoffOptions & { readonly delayMs: DelayFunction }> = Object.freeze({
  delayMs: callable<DelayFunction>('a function of the step'),
  maxMs: positiveMilliseconds(),
  otherwise: backoffRule,
});

/**
 * Delays from a function of attempt, error and previous delay. They are waited as they are given, without jitter: the
 * function has random numbers in its step. It may return a promise; an abort, a timeout or the deadline ends the call
 * at once while that is pending, and the wait begins when it has come.
 *
 * Where the function returns undefined the delay is that of `otherwise`, jittered as the retry says. So it is where the
 * function throws, rejects or returns what is no delay (not a number of at least 0), which is told as a `hook-failed`
 * event.
 *
 * @throws ConfigurationError
 */
export function generated(delayMs: DelayFunction, options: GeneratedBackoffOptions = {}): GeneratedBackoff {
  const given = { ...options, delayMs };
  const resolved = resolveOptions('generated', given, generatedDefaults, generatedRules);
  return Object.freeze({ ...resolved, delayMs, jittered: true });
}
