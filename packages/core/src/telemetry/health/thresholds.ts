import { resolveOptions } from '../../options/resolve.ts';
import { integer, number, type Rule, type Rules } from '../../options/rules.ts';
import { ConfigurationError } from '../../errors/configuration-error.ts';
import type { HealthFinding, HealthProbe, HealthStatus } from './health.ts';

/** From where on a measure is not as it should be. */
export interface HealthLimits {
  /** At or above this: `degraded`. */
  readonly degraded: number;
  /** At or above this: `unhealthy`; at least `degraded`. */
  readonly unhealthy: number;
}

/** What health is measured by; what is undefined or NaN is not known, and says nothing. */
export interface HealthMeasures {
  /** Errors of all, 0 to 1. */
  readonly errorRatio?: number | undefined;
  /** Of how many calls that is the ratio; below `minCalls` it says nothing. Default: of enough. */
  readonly calls?: number | undefined;
  /** How long calls take, in milliseconds: a high quantile. */
  readonly latencyMs?: number | undefined;
  /** How many calls in a row have failed. */
  readonly consecutiveFailures?: number | undefined;
  /** Which part of a limit is used, 0 to 1: of permits, places, memory, a quota. */
  readonly limitUseRatio?: number | undefined;
}

/** From where on each measure is not as it should be. */
export interface HealthThresholds {
  /** Errors of all calls, 0 to 1; default: degraded at 0.1, unhealthy at 0.25. */
  readonly errorRatio?: HealthLimits | undefined;
  /** How long calls take, in milliseconds; default: degraded at 3,000, unhealthy at 10,000. */
  readonly latencyMs?: HealthLimits | undefined;
  /** How many calls in a row have failed; default: degraded at 5, unhealthy at 10. */
  readonly consecutiveFailures?: HealthLimits | undefined;
  /** Which part of a limit is used, 0 to 1; default: degraded at 0.8, unhealthy at 0.95. */
  readonly limitUseRatio?: HealthLimits | undefined;
  /** How many calls there must be for their error ratio to say anything, at least 1; default 10. */
  readonly minCalls?: number | undefined;
}

/** What health is measured against when nothing else is said. */
export const healthThresholdsDefaults: {
  readonly errorRatio: HealthLimits;
  readonly latencyMs: HealthLimits;
  readonly consecutiveFailures: HealthLimits;
  readonly limitUseRatio: HealthLimits;
  readonly minCalls: number;
} = Object.freeze({
  errorRatio: { degraded: 0.1, unhealthy: 0.25 },
  latencyMs: { degraded: 3_000, unhealthy: 10_000 },
  consecutiveFailures: { degraded: 5, unhealthy: 10 },
  limitUseRatio: { degraded: 0.8, unhealthy: 0.95 },
  minCalls: 10,
});

const limits: Rule<HealthLimits> = {
  expected: 'an object with degraded and unhealthy, numbers of at least 0, the second not below the first',
  accepts: (value: unknown): value is HealthLimits => {
    const { degraded, unhealthy } = Object(value) as Partial<HealthLimits>;
    const level = number(0, Infinity);
    return level.accepts(degraded) && level.accepts(unhealthy) && degraded <= unhealthy;
  },
};

const rules: Rules<HealthThresholds> = {
  errorRatio: limits,
  latencyMs: limits,
  consecutiveFailures: limits,
  limitUseRatio: limits,
  minCalls: integer(1),
};

const PHRASES: readonly (readonly [keyof HealthMeasures & keyof HealthThresholds, (value: number) => string])[] = [
  ['errorRatio', (value) => `${percent(value)} of calls fail`],
  ['latencyMs', (value) => `calls take ${Math.round(value)} ms`],
  ['consecutiveFailures', (value) => `${value} calls in a row have failed`],
  ['limitUseRatio', (value) => `${percent(value)} of the limit are used`],
];

/**
 * A check that holds what is measured against thresholds. Measures of which nothing is known say nothing.
 *
 * @throws ConfigurationError
 */
export function thresholdCheck(
  measure: () => HealthMeasures | Promise<HealthMeasures>,
  thresholds: HealthThresholds = {},
): HealthProbe {
  const resolved = resolveOptions('thresholdCheck', thresholds, healthThresholdsDefaults, rules);
  if (typeof measure !== 'function')
    throw new ConfigurationError([
      { path: 'thresholdCheck.measure', expected: 'a function', received: typeof measure },
    ]);
  return async () => assess(await measure(), resolved);
}

function assess(
  measures: HealthMeasures,
  thresholds: Required<HealthThresholds> & typeof healthThresholdsDefaults,
): HealthFinding {
  let status: HealthStatus = 'healthy';
  const reasons: string[] = [];
  for (const [name, phrase] of PHRASES) {
    const value = measures[name];
    if (value === undefined || Number.isNaN(value)) continue;
    if (name === 'errorRatio' && (measures.calls ?? Infinity) < thresholds.minCalls) continue;
    const { degraded, unhealthy } = thresholds[name];
    if (value < degraded) continue;
    if (value >= unhealthy) status = 'unhealthy';
    else if (status === 'healthy') status = 'degraded';
    reasons.push(phrase(value));
  }
  const details = Object.fromEntries(Object.entries(measures).filter(([, value]) => value !== undefined));
  return { status, message: reasons.length === 0 ? undefined : reasons.join('; '), details };
}

const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;
