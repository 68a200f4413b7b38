import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import {
  callable,
  count,
  implementing,
  integer,
  milliseconds,
  number,
  oneOf,
  positiveMilliseconds,
  type Rules,
} from '../options/rules.ts';
import { type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import type { LimitAlgorithm } from './algorithm.ts';
import { gradient2 } from './gradient2.ts';

/** Options of an adaptive concurrency limit. */
export interface AdaptiveConcurrencyOptions extends PolicyOptions {
  /** How the limit is found: `gradient2()` (default), `vegas()`, `aimd()`, or one of your own. */
  readonly algorithm?: LimitAlgorithm | undefined;
  /** The limit at the beginning; within the bounds, default 20. */
  readonly initialLimit?: number | undefined;
  /** The limit never falls below this; at least 1, default 1. */
  readonly minLimit?: number | undefined;
  /** The limit never rises above this; default 200. */
  readonly maxLimit?: number | undefined;
  /** How many calls may wait when the limit is reached; default 0: they are refused at once. */
  readonly maxQueue?: number | undefined;
  /** How long a call may wait in the queue, in milliseconds; default: as long as its caller does. */
  readonly maxQueueWaitMs?: number | undefined;
  /** What the calls of so many milliseconds tell is one sample for the algorithm; at least 0, default 1,000. */
  readonly windowMs?: number | undefined;
  /** A sample takes at least so many calls, however long that lasts; at least 1, default 10. */
  readonly minSamples?: number | undefined;
  /** A sample counts as dropped when a larger ratio of its calls than this was; 0 to 1, default 0.01. */
  readonly toleratedDropRatio?: number | undefined;
  /**
   * Which errors of a started call say that the upstream could not take it; default {@link isOverload}. Other errors,
   * calls that were refused before they reached the upstream, and those that their caller aborted say nothing.
   */
  readonly dropIf?: ((error: unknown) => boolean) | undefined;
  /**
   * When a call stops counting as running: with the `outcome` that this policy sees (default), which after a timeout may
   * be before the function has ended, or when every run of the function that began under it has `settled`.
   */
  readonly releaseOn?: 'outcome' | 'settled' | undefined;
}

/** The defaults of an adaptive concurrency limit. */
export const adaptiveConcurrencyDefaults: {
  readonly algorithm: LimitAlgorithm;
  readonly initialLimit: number;
  readonly minLimit: number;
  readonly maxLimit: number;
  readonly maxQueue: number;
  readonly windowMs: number;
  readonly minSamples: number;
  readonly toleratedDropRatio: number;
  readonly releaseOn: 'outcome';
} = Object.freeze({
  algorithm: gradient2(),
  initialLimit: 20,
  minLimit: 1,
  maxLimit: 200,
  maxQueue: 0,
  windowMs: 1_000,
  minSamples: 10,
  toleratedDropRatio: 0.01,
  releaseOn: 'outcome',
});

const adaptiveConcurrencyRules: Rules<AdaptiveConcurrencyOptions> = Object.freeze({
  ...policyOptionRules,
  algorithm: implementing<LimitAlgorithm>('an algorithm such as gradient2()', 'createEstimator'),
  initialLimit: integer(1),
  minLimit: integer(1),
  maxLimit: integer(1),
  maxQueue: count(0),
  maxQueueWaitMs: positiveMilliseconds(),
  windowMs: milliseconds(),
  minSamples: integer(1),
  toleratedDropRatio: number(0, 1),
  dropIf: callable<(error: unknown) => boolean>(),
  releaseOn: oneOf('outcome', 'settled'),
});

/** The options with their defaults. An initial limit that was not given is moved to the nearest bound. */
export type ResolvedOptions = Resolved<AdaptiveConcurrencyOptions, typeof adaptiveConcurrencyDefaults>;

/** Checks the options, one by one and against each other. */
export function resolveAdaptiveOptions(given: AdaptiveConcurrencyOptions): ResolvedOptions {
  const path = 'adaptiveConcurrency';
  const options = resolveOptions(path, given, adaptiveConcurrencyDefaults, adaptiveConcurrencyRules);
  const { minLimit, maxLimit } = options;
  const faults: ConfigurationFault[] = [];
  if (minLimit > maxLimit) {
    const expected = `an integer of at least minLimit, ${minLimit}`;
    faults.push({ path: `${path}.maxLimit`, expected, received: String(maxLimit) });
  } else if (given.initialLimit !== undefined && given.initialLimit !== clamp(given.initialLimit, minLimit, maxLimit)) {
    const expected = `an integer from minLimit, ${minLimit}, to maxLimit, ${maxLimit}`;
    faults.push({ path: `${path}.initialLimit`, expected, received: String(given.initialLimit) });
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  return Object.freeze({ ...options, initialLimit: clamp(options.initialLimit, minLimit, maxLimit) });
}

/** The value, or the bound that it is beyond. */
export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
