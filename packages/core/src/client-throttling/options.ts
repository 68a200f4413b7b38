import { callable, number, positiveMilliseconds, ratio, type Rules } from '../options/rules.ts';
import { type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';

/** Options of client throttling. */
export interface ClientThrottlingOptions extends PolicyOptions {
  /** How many calls for each one that the upstream accepts are let through before any is refused; at least 1, default 2. */
  readonly k?: number | undefined;
  /** The length of the window in milliseconds; it moves in 40 steps; default 120,000. */
  readonly windowMs?: number | undefined;
  /**
   * The largest probability with which calls are refused; above 0 and at most 1, default 1, which is the formula as it
   * stands. Lower, an upstream that was down for long is asked more often, and found to be back sooner.
   */
  readonly maxRejectionRatio?: number | undefined;
  /**
   * Which errors of a started call say that the upstream refused it; default {@link isOverload}. A call that failed with
   * any other error it has accepted. Calls that were refused before they reached the upstream, and those that their caller
   * aborted, don't count.
   */
  readonly refusedIf?: ((error: unknown) => boolean) | undefined;
}

/** The defaults of client throttling. */
export const clientThrottlingDefaults: {
  readonly k: number;
  readonly windowMs: number;
  readonly maxRejectionRatio: number;
} = Object.freeze({
  k: 2,
  windowMs: 120_000,
  maxRejectionRatio: 1,
});

/** What each option of client throttling may be. */
export const clientThrottlingRules: Rules<ClientThrottlingOptions> = Object.freeze({
  ...policyOptionRules,
  k: number(1, Infinity),
  windowMs: positiveMilliseconds(),
  maxRejectionRatio: ratio(),
  refusedIf: callable<(error: unknown) => boolean>(),
});
