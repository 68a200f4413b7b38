import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import {
  callable,
  count,
  integer,
  milliseconds,
  number,
  oneOf,
  positiveMilliseconds,
  ratio,
  type Rules,
} from '../options/rules.ts';
import { policyOptionRules, type PolicyOptions } from '../policy/policy-base.ts';
import type { Policy } from '../policy/policy.ts';
import { isRetryable } from '../gates/retryable.ts';

/** Options of {@link failover}. */
export interface FailoverOptions<Endpoint = unknown> extends PolicyOptions {
  /**
   * Which endpoint is asked first: `ordered` (default), as they were given; `least-loaded`, the one with the fewest calls
   * under way, and of equal ones that which has been asked the least.
   */
  readonly order?: 'ordered' | 'least-loaded' | undefined;
  /** Makes the policies of an endpoint, the outermost first; default: a circuit breaker with its defaults, for each its own. */
  readonly policies?: ((endpoint: Endpoint, index: number) => readonly Policy[]) | undefined;
  /** Whether the next endpoint is asked after this error of one that was asked; default: what a bare retry retries. */
  readonly failoverIf?: ((error: unknown) => boolean) | undefined;
  /** How many endpoints a call may ask; default Infinity: all. An endpoint whose policies refuse the call has not been asked. */
  readonly maxEndpoints?: number | undefined;
  /**
   * After how many milliseconds without an answer the next endpoint is asked beside; the first answer wins and the others
   * are aborted. Default: never. Only for calls that may take effect twice.
   */
  readonly hedgeDelayMs?: number | undefined;
  /** From which ratio of failures on an endpoint may be an outlier, above 0 to 1; default 0.5. */
  readonly ejectRatio?: number | undefined;
  /** How many times as high as the median of the others that ratio must be, at least 1; default 2. */
  readonly ejectFactor?: number | undefined;
  /** How many calls of an endpoint must count before it is judged; default 10. */
  readonly minThroughput?: number | undefined;
  /** How long a call counts, in milliseconds; default 10,000. */
  readonly samplingMs?: number | undefined;
  /**
   * How long an endpoint is ejected, in milliseconds: so long the first time, twice as long when it is ejected again
   * before it has proven itself for as long, and so on up to ten times; default 30,000.
   */
  readonly ejectionMs?: number | undefined;
  /** Which part of the endpoints may be ejected at a time, rounded down: 0 to 0.5; default 0.5. 0: none ever is. */
  readonly maxEjectedRatio?: number | undefined;
}

/** The defaults of {@link failover}. */
export const FAILOVER_DEFAULTS: Readonly<
  Required<Omit<FailoverOptions, 'name' | 'clock' | 'random' | 'hedgeDelayMs'>>
> = Object.freeze({
  order: 'ordered',
  policies: () => [circuitBreaker()],
  failoverIf: isRetryable,
  maxEndpoints: Infinity,
  ejectRatio: 0.5,
  ejectFactor: 2,
  minThroughput: 10,
  samplingMs: 10_000,
  ejectionMs: 30_000,
  maxEjectedRatio: 0.5,
});

const rules: Rules<FailoverOptions> = {
  ...policyOptionRules,
  order: oneOf('ordered', 'least-loaded'),
  policies: callable(),
  failoverIf: callable(),
  maxEndpoints: count(1),
  hedgeDelayMs: milliseconds(),
  ejectRatio: ratio(),
  ejectFactor: number(1, Infinity),
  minThroughput: integer(1),
  samplingMs: positiveMilliseconds(),
  ejectionMs: positiveMilliseconds(),
  maxEjectedRatio: number(0, 0.5),
};

/** Options of {@link failover}, complete. */
export type ResolvedFailoverOptions = Resolved<FailoverOptions, typeof FAILOVER_DEFAULTS>;

/** @throws ConfigurationError with all faults at once. */
export function resolveFailoverOptions<Endpoint>(given: FailoverOptions<Endpoint>): ResolvedFailoverOptions {
  return resolveOptions('failover', given as FailoverOptions, FAILOVER_DEFAULTS, rules);
}
