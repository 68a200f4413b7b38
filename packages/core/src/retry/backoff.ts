/**
 * How long to wait before the next attempt. A backoff computes the wait from how often the call has failed; what it
 * returns is capped here, and jittered afterwards (jitter.ts), so that clients at the cap do not march in step. Those
 * that draw lots themselves are in decorrelated.ts, and those that a function of the user's computes in generated.ts.
 */
import type { Random } from '../clock/random.ts';
import { implementing, milliseconds, number, positiveMilliseconds, type Rule, type Rules } from '../options/rules.ts';
import { resolveOptions } from '../options/resolve.ts';

/** What a backoff can go by. */
export interface BackoffStep {
  /** How many attempts have failed so far, from 1. */
  readonly attempt: number;
  /** What the last attempt failed with; undefined when a result was not acceptable. */
  readonly error: unknown;
  /** The result of the last attempt where that was not acceptable: what it says of a wait can be read from it. */
  readonly result?: unknown;
  /** The delay before the last attempt, in milliseconds; 0 before the second. */
  readonly previousMs: number;
  /** Where a backoff that draws lots takes its numbers from. */
  readonly random: Random;
  /** The backoff's own note on this call: empty before the first delay, then what the backoff has left in it. */
  readonly note: BackoffNote;
}

/** A number that a backoff wants to find again when it is asked for the next delay of the same call. */
export interface BackoffNote {
  value: number | undefined;
}

/** The wait before the next attempt, in milliseconds. */
export interface Backoff {
  delayMs(step: BackoffStep): number;
  /** The longest wait that it gives, in milliseconds. */
  readonly maxMs: number;
  /** True when it draws lots itself, so that no jitter is added. */
  readonly jittered?: boolean;
}

const hasDelay = implementing<Backoff>('a backoff', 'delayMs');
const isDuration = milliseconds();

/** What an option that takes a backoff may be. */
export const backoffRule: Rule<Backoff> = Object.freeze({
  expected: 'a backoff such as exponential() (an object with delayMs and maxMs)',
  accepts: (value: unknown): value is Backoff => hasDelay.accepts(value) && isDuration.accepts(value.maxMs),
});

/** Options of {@link exponential}, {@link linear}, {@link fibonacci} and the decorrelated backoffs. */
export interface GrowingBackoffOptions {
  /** The first delay, in milliseconds; default 1,000. */
  readonly initialMs?: number | undefined;
  /** The longest delay, in milliseconds; default 60,000. */
  readonly maxMs?: number | undefined;
}

/** Options of {@link exponential}. */
export interface ExponentialOptions extends GrowingBackoffOptions {
  /** By what each delay is multiplied; at least 1, default 2. */
  readonly base?: number | undefined;
}

/** The defaults of {@link GrowingBackoffOptions}. */
export const growingDefaults: Readonly<Required<GrowingBackoffOptions>> = Object.freeze({
  initialMs: 1_000,
  maxMs: 60_000,
});
/** What each of {@link GrowingBackoffOptions} may be. */
export const growingRules: Rules<GrowingBackoffOptions> = Object.freeze({
  initialMs: positiveMilliseconds(),
  maxMs: positiveMilliseconds(),
});

/** Always `delayMs` milliseconds. */
export function constant(delayMs: number): Backoff {
  const options = resolveOptions('constant', { delayMs }, {}, { delayMs: number(0, Number.MAX_SAFE_INTEGER) });
  return growing(options.delayMs, () => options.delayMs);
}

/** d, 2d, 3d, 4d, … */
export function linear(given: GrowingBackoffOptions = {}): Backoff {
  const { initialMs, maxMs } = resolveOptions('linear', given, growingDefaults, growingRules);
  return growing(maxMs, (attempt) => initialMs * attempt);
}

/** d, d·b, d·b², d·b³, … */
export function exponential(given: ExponentialOptions = {}): Backoff {
  const defaults = { ...growingDefaults, base: 2 };
  const { initialMs, maxMs, base } = resolveOptions('exponential', given, defaults, {
    ...growingRules,
    base: number(1, Infinity),
  });
  return growing(maxMs, (attempt) => initialMs * base ** (attempt - 1));
}

/** d, d, 2d, 3d, 5d, 8d, … */
export function fibonacci(given: GrowingBackoffOptions = {}): Backoff {
  const { initialMs, maxMs } = resolveOptions('fibonacci', given, growingDefaults, growingRules);
  return growing(maxMs, (attempt) => {
    let [current, next] = [1, 1];
    for (let step = 1; step < attempt && current * initialMs < maxMs; step++) [current, next] = [next, current + next];
    return initialMs * current;
  });
}

function growing(maxMs: number, delayAfter: (attempt: number) => number): Backoff {
  return Object.freeze({ maxMs, delayMs: ({ attempt }: BackoffStep) => Math.min(maxMs, delayAfter(attempt)) });
}
