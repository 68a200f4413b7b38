/**
 * How long to wait before the next attempt. A backoff computes the wait from how often the call has failed; what it
 * returns is capped here, and jittered afterwards (jitter.ts), so that clients at the cap do not march in step.
 */
import type { Random } from '../clock/random.ts';
import { positiveMilliseconds, number } from '../options/rules.ts';
import { resolveOptions } from '../options/resolve.ts';

/** What a backoff can go by. */
export interface BackoffStep {
  /** How many attempts have failed so far, from 1. */
  readonly attempt: number;
  /** What the last attempt failed with; undefined when a result was not acceptable. */
  readonly error: unknown;
  /** The delay before the last attempt, in milliseconds; 0 before the second. */
  readonly previousMs: number;
  /** Where a backoff that draws lots takes its numbers from. */
  readonly random: Random;
}

/** The wait before the next attempt, in milliseconds. */
export interface Backoff {
  delayMs(step: BackoffStep): number;
  /** The longest wait that it gives, in milliseconds. */
  readonly maxMs: number;
  /** True when it draws lots itself, so that no jitter is added. */
  readonly jittered?: boolean;
}

/** Options of {@link exponential}, {@link linear} and {@link fibonacci}. */
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

const growingDefaults = Object.freeze({ initialMs: 1_000, maxMs: 60_000 });
const growingRules = Object.freeze({ initialMs: positiveMilliseconds(), maxMs: positiveMilliseconds() });

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

/**
 * Each delay is drawn from U(initialMs, 3 · the previous one), capped: it grows on average, but no two clients alike.
 * It needs no other jitter. ("Decorrelated jitter": M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog.)
 */
export function decorrelated(given: GrowingBackoffOptions = {}): Backoff {
  const { initialMs, maxMs } = resolveOptions('decorrelated', given, growingDefaults, growingRules);
  return Object.freeze({
    maxMs,
    jittered: true,
    delayMs: ({ previousMs, random }: BackoffStep) => {
      const lowest = Math.min(initialMs, maxMs);
      const highest = Math.min(maxMs, 3 * Math.max(previousMs, initialMs));
      return lowest + random.next() * (highest - lowest);
    },
  });
}

function growing(maxMs: number, delayAfter: (attempt: number) => number): Backoff {
  return Object.freeze({ maxMs, delayMs: ({ attempt }: BackoffStep) => Math.min(maxMs, delayAfter(attempt)) });
}
