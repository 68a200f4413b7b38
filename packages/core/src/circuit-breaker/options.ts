import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import { describe, resolveOptions, type Resolved } from '../options/resolve.ts';
import {
  callable,
  either,
  implementing,
  integer,
  milliseconds,
  number,
  positiveMilliseconds,
  ratio,
  type Rule,
  type Rules,
} from '../options/rules.ts';
import { type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import { anyOf } from './any-of.ts';
import type { BreakDuration } from './break-duration.ts';
import { type HealthProbe, healthProbeRule } from './health-probe.ts';
import { sampledRatio, sampledRatioDefaults, slowCalls, slowCallsDefaults } from './sampled-rules.ts';
import type { TripRule } from './trip-rule.ts';

/** Options of a circuit breaker. */
export interface CircuitBreakerOptions extends PolicyOptions {
  /** Opens when this ratio of the calls in the window has failed; above 0 and at most 1, default 0.5. */
  readonly failureRatio?: number | undefined;
  /** So many calls must be in the window before a ratio counts; at least 1, default 10. */
  readonly minThroughput?: number | undefined;
  /** The length of the window in milliseconds; it moves in ten steps; default 10,000. */
  readonly samplingMs?: number | undefined;
  /**
   * Another rule in place of `failureRatio`, `minThroughput` and `samplingMs`, such as `consecutive(5)`; or a list of rules,
   * any of which opens the breaker.
   */
  readonly trip?: TripRule | readonly TripRule[] | undefined;
  /**
   * Opens, besides, when too many of the calls in the window took so many milliseconds or longer; above 0. A probe that is
   * slow counts as failed. Default: calls are not measured.
   */
  readonly slowCallMs?: number | undefined;
  /** The ratio of slow calls that is too many; above 0 and at most 1, default 0.5. Only with `slowCallMs`. */
  readonly slowCallRatio?: number | undefined;
  /**
   * How long it stays open, in milliseconds, above 0; or a function that says so, such as `exponentialBreak()`. Default
   * 30,000.
   */
  readonly breakMs?: number | BreakDuration | undefined;
  /**
   * Takes away up to this ratio of each break, by lot, so that processes which opened together do not probe together; 0 to
   * 1, default 0.
   */
  readonly breakJitterRatio?: number | undefined;
  /**
   * A failure that names a wait by a numeric `retryAfterMs` sets the break in place of `breakMs`, up to so many
   * milliseconds; 0: never. Default 60,000.
   */
  readonly maxRetryAfterMs?: number | undefined;
  /** How many calls are let through at once to find out whether the upstream is back; at least 1, default 1. */
  readonly probes?: number | undefined;
  /** The ratio of the probes that must succeed; above 0 and at most 1, default 1. */
  readonly successRatio?: number | undefined;
  /** A probe that has not ended after so many milliseconds frees its place and counts as failed; default 30,000. */
  readonly probeLeaseMs?: number | undefined;
  /**
   * After the upstream has come back, lets 10, 25 and 50 % of the calls through, drawn by lot, for a third of so many
   * milliseconds each, and only then all. Default 0: all at once.
   */
  readonly rampMs?: number | undefined;
  /** Asks the upstream itself how it is while the breaker is open. Default: the next call finds out. */
  readonly healthProbe?: HealthProbe | undefined;
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
      | 'failureRatio'
      | 'minThroughput'
      | 'samplingMs'
      | 'slowCallRatio'
      | 'breakMs'
      | 'breakJitterRatio'
      | 'maxRetryAfterMs'
      | 'probes'
      | 'successRatio'
      | 'probeLeaseMs'
      | 'rampMs'
    >
  >
> = Object.freeze({
  ...sampledRatioDefaults,
  slowCallRatio: slowCallsDefaults.slowCallRatio,
  breakMs: 30_000,
  breakJitterRatio: 0,
  maxRetryAfterMs: 60_000,
  probes: 1,
  successRatio: 1,
  probeLeaseMs: 30_000,
  rampMs: 0,
});

/** The options of a circuit breaker with its defaults filled in. */
export type ResolvedBreakerOptions = Resolved<CircuitBreakerOptions, typeof circuitBreakerDefaults>;

const tripRule = implementing<TripRule>('a trip rule such as consecutive(5)', 'createWindow');
const tripRules: Rule<readonly TripRule[]> = {
  expected: 'a list of one or more',
  accepts: (value): value is readonly TripRule[] =>
    Array.isArray(value) && value.length > 0 && value.every((rule) => tripRule.accepts(rule)),
};

const rules: Rules<CircuitBreakerOptions> = Object.freeze({
  ...policyOptionRules,
  failureRatio: ratio(),
  minThroughput: integer(1),
  samplingMs: positiveMilliseconds(),
  trip: either(tripRule, tripRules),
  slowCallMs: positiveMilliseconds(),
  slowCallRatio: ratio(),
  breakMs: either(positiveMilliseconds(), callable<BreakDuration>('a function')),
  breakJitterRatio: number(0, 1),
  maxRetryAfterMs: milliseconds(),
  probes: integer(1),
  successRatio: ratio(),
  probeLeaseMs: positiveMilliseconds(),
  rampMs: milliseconds(),
  healthProbe: healthProbeRule,
  failureIf: callable<(error: unknown) => boolean>(),
  failureResultIf: callable<(value: unknown) => boolean>(),
});

/**
 * Checks the options of a breaker and fills in the defaults.
 *
 * @throws ConfigurationError
 */
export function resolveBreakerOptions(given: CircuitBreakerOptions): ResolvedBreakerOptions {
  const options = resolveOptions('circuitBreaker', given, circuitBreakerDefaults, rules);
  const faults = faultsTogether(given);
  if (faults.length > 0) throw new ConfigurationError(faults);
  return options;
}

/** Options that would change nothing beside the others: whoever gave them meant something. */
function faultsTogether({ trip, slowCallMs, ...given }: CircuitBreakerOptions): ConfigurationFault[] {
  const faults: ConfigurationFault[] = [];
  const without = (
    option: 'failureRatio' | 'minThroughput' | 'samplingMs' | 'slowCallRatio',
    expected: string,
  ): void => {
    const value = given[option];
    if (value !== undefined) faults.push({ path: `circuitBreaker.${option}`, expected, received: describe(value) });
  };
  if (trip !== undefined) {
    const expected = 'no such option beside trip, which takes its place';
    without('failureRatio', expected);
    // Those of the window are also the slow calls'.
    if (slowCallMs === undefined)
      for (const option of ['minThroughput', 'samplingMs'] as const) without(option, expected);
  }
  if (slowCallMs === undefined) without('slowCallRatio', 'slowCallMs beside it, which says what is slow');
  return faults;
}

/** What these options say about when the breaker opens, as one rule. */
export function tripRuleOf(options: ResolvedBreakerOptions): TripRule {
  const { failureRatio, minThroughput, samplingMs, slowCallMs, slowCallRatio } = options;
  const trip = options.trip ?? sampledRatio({ failureRatio, minThroughput, samplingMs });
  const given = Array.isArray(trip) ? (trip as readonly TripRule[]) : [trip as TripRule];
  if (slowCallMs === undefined) return anyOf(given);
  return anyOf([...given, slowCalls({ slowCallMs, slowCallRatio, minThroughput, samplingMs })]);
}
