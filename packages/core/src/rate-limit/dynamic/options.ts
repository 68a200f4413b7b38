import type { Clock } from '../../clock/clock.ts';
import { ConfigurationError } from '../../errors/configuration-error.ts';
import { type Resolved, resolveOptions } from '../../options/resolve.ts';
import {
  callable,
  integer,
  milliseconds,
  number,
  positiveMilliseconds,
  ratio,
  type Rules,
} from '../../options/rules.ts';
import { policyOptionRules } from '../../policy/policy-base.ts';

/** Options of limits that find their own height. */
export interface DynamicLimitsOptions {
  /** What a limit never falls below: an integer of at least 1. */
  readonly minLimit: number;
  /** What a limit never rises above: an integer of at least `minLimit`. */
  readonly maxLimit: number;
  /** Where an endpoint begins that nothing is known of, from `minLimit` to `maxLimit`. Default: `maxLimit`. */
  readonly initialLimit?: number | undefined;
  /** How long a period of the limits is, in milliseconds: 1 or more; default 1,000. */
  readonly periodMs?: number | undefined;
  /** How often a limit is adjusted at most, in milliseconds, above 0; default 1,000. */
  readonly intervalMs?: number | undefined;
  /** How many outcomes an adjustment needs: an integer of at least 1; default 10. */
  readonly minSamples?: number | undefined;
  /** The ratio of failures above which a limit falls; default 0.1. */
  readonly maxErrorRatio?: number | undefined;
  /** The mean response time in milliseconds above which a limit falls, above 0. Default: response times don't count. */
  readonly targetMs?: number | undefined;
  /** How many requests may wait for an endpoint before its limit falls: an integer of at least 0. Default: they don't count. */
  readonly maxQueueDepth?: number | undefined;
  /** The load above which all limits fall, in the unit of `load`: a number of at least 0; default 100. */
  readonly maxLoad?: number | undefined;
  /** How much the program has to do. Default: how late its timers are, in milliseconds. */
  readonly load?: (() => number) | undefined;
  /** How many endpoints are remembered: an integer of at least 1; default 1,000. The one unused for longest goes. */
  readonly maxEndpoints?: number | undefined;
  /** The name of the limits in decisions and events; default `dynamic-limit`. */
  readonly name?: string | undefined;
  /** Where they take the time from; default: the system. */
  readonly clock?: Clock | undefined;
}

/** What dynamic limits have when nothing else is said. */
export const DYNAMIC_LIMITS_DEFAULTS: Readonly<
  Required<
    Pick<
      DynamicLimitsOptions,
      'periodMs' | 'intervalMs' | 'minSamples' | 'maxErrorRatio' | 'maxLoad' | 'maxEndpoints' | 'name'
    >
  >
> = Object.freeze({
  periodMs: 1_000,
  intervalMs: 1_000,
  minSamples: 10,
  maxErrorRatio: 0.1,
  maxLoad: 100,
  maxEndpoints: 1_000,
  name: 'dynamic-limit',
});

const rules: Rules<DynamicLimitsOptions> = {
  minLimit: integer(1),
  maxLimit: integer(1),
  initialLimit: integer(1),
  periodMs: milliseconds(1, 34_560_000_000),
  intervalMs: positiveMilliseconds(),
  minSamples: integer(1),
  maxErrorRatio: ratio(),
  targetMs: positiveMilliseconds(),
  maxQueueDepth: integer(0),
  maxLoad: number(0, Infinity),
  load: callable(),
  maxEndpoints: integer(1),
  name: policyOptionRules.name,
  clock: policyOptionRules.clock,
};

/** Options of dynamic limits, complete and possible. */
export type ResolvedDynamicOptions = Resolved<DynamicLimitsOptions, typeof DYNAMIC_LIMITS_DEFAULTS> & {
  readonly initialLimit: number;
};

/** @throws ConfigurationError with all faults at once. */
export function resolveDynamicOptions(given: DynamicLimitsOptions): ResolvedDynamicOptions {
  const options = resolveOptions('dynamicLimits', given, DYNAMIC_LIMITS_DEFAULTS, rules, ['minLimit', 'maxLimit']);
  const { minLimit, maxLimit, initialLimit = maxLimit } = options;
  if (maxLimit < minLimit) {
    const expected = `an integer of at least minLimit, ${minLimit}`;
    throw new ConfigurationError([{ path: 'dynamicLimits.maxLimit', expected, received: String(maxLimit) }]);
  }
  if (initialLimit < minLimit || initialLimit > maxLimit) {
    const expected = `an integer from ${minLimit} to ${maxLimit}`;
    throw new ConfigurationError([{ path: 'dynamicLimits.initialLimit', expected, received: String(initialLimit) }]);
  }
  return { ...options, initialLimit };
}
