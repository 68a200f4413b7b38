import { callable, either, implementing, integer, positiveMilliseconds, ratio, type Rules } from '../options/rules.ts';
import { type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import type { TripRule } from './trip-rules.ts';

/** What a function for the break's duration can go by. */
export interface BreakFacts {
  /** The ratio of failures when the breaker opened, 0 to 1. */
  readonly failureRatio: number;
  /** How many failures counted when it opened. */
  readonly failureCount: number;
  /** How many times it has been half-open since it was last closed. */
  readonly halfOpenAttempts: number;
  /** The failure that opened it. */
  readonly error: unknown;
}

/** Options of a circuit breaker. */
export interface CircuitBreakerOptions extends PolicyOptions {
  /** Opens when this ratio of the calls in the window has failed; above 0 and at most 1, default 0.5. */
  readonly failureRatio?: number | undefined;
  /** So many calls must be in the window before the ratio counts; at least 1, default 10. */
  readonly minThroughput?: number | undefined;
  /** The length of the window in milliseconds; it moves in ten steps; default 10,000. */
  readonly samplingMs?: number | undefined;
  /** Another rule in place of the three options above: `consecutive(5)`. */
  readonly trip?: TripRule | undefined;
  /** How long it stays open, in milliseconds, or a function that says so; default 30,000. */
  readonly breakMs?: number | ((facts: BreakFacts) => number) | undefined;
  /** How many calls are let through at once to find out whether the upstream is back; at least 1, default 1. */
  readonly probes?: number | undefined;
  /** The ratio of the probes that must succeed; above 0 and at most 1, default 1. */
  readonly successRatio?: number | undefined;
  /** A probe that has not ended after so many milliseconds frees its place and counts as failed; default 30,000. */
  readonly probeLeaseMs?: number | undefined;
  /** Which errors of a started call are failures of the upstream; default: all. The others count as successes. */
  readonly failureIf?: ((error: unknown) => boolean) | undefined;
  /** Which results are failures of the upstream; default: none. */
  readonly failureResultIf?: ((value: unknown) => boolean) | undefined;
}

/** The defaults of a circuit breaker. */
export const circuitBreakerDefaults: Readonly<
  Required<
    Pick<
      CircuitBreakerOptions,
      'failureRatio' | 'minThroughput' | 'samplingMs' | 'breakMs' | 'probes' | 'successRatio' | 'probeLeaseMs'
    >
  >
> = Object.freeze({
  failureRatio: 0.5,
  minThroughput: 10,
  samplingMs: 10_000,
  breakMs: 30_000,
  probes: 1,
  successRatio: 1,
  probeLeaseMs: 30_000,
});

/** What each option of a circuit breaker may be. */
export const circuitBreakerRules: Rules<CircuitBreakerOptions> = Object.freeze({
  ...policyOptionRules,
  failureRatio: ratio(),
  minThroughput: integer(1),
  samplingMs: positiveMilliseconds(),
  trip: implementing<TripRule>('a trip rule such as consecutive(5)', 'createWindow'),
  breakMs: either(positiveMilliseconds(), callable<(facts: BreakFacts) => number>('a function')),
  probes: integer(1),
  successRatio: ratio(),
  probeLeaseMs: positiveMilliseconds(),
  failureIf: callable<(error: unknown) => boolean>(),
  failureResultIf: callable<(value: unknown) => boolean>(),
});
