import { budgetRule, type RetryBudget } from '../gates/budget.ts';
import { callable, either, implementing, integer, milliseconds, oneOf, type Rules } from '../options/rules.ts';
import { type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import type { LearnedDelay } from './learned-delay.ts';

/** Options of a hedge. */
export interface HedgeOptions extends PolicyOptions {
  /**
   * How long to wait for an answer before another attempt begins, in milliseconds: 0 begins all at once. `on-failure`
   * begins another only when one has failed, and `learned()` a delay that follows how long answers take. Default 2,000.
   */
  readonly delayMs?: number | 'on-failure' | LearnedDelay | undefined;
  /** How many attempts in all, the first included: 1 (no hedge) to 100, default 2. */
  readonly maxAttempts?: number | undefined;
  /**
   * Bounds the further attempts of all calls together; meant to be shared by the retries and hedges that talk to one
   * upstream. An attempt for which it has no room is not begun. Default: none.
   */
  readonly budget?: RetryBudget | undefined;
  /** Whether another attempt may mend this error of an attempt; default `isRetryable`. */
  readonly hedgeIf?: ((error: unknown, attempt: number) => boolean) | undefined;
  /** Whether this result of an attempt counts as a failure that another attempt may mend; default: never. */
  readonly hedgeResultIf?: ((value: unknown, attempt: number) => boolean) | undefined;
}

/** The defaults of a hedge. */
export const hedgeDefaults: {
  readonly delayMs: number | 'on-failure' | LearnedDelay;
  readonly maxAttempts: number;
} = Object.freeze({ delayMs: 2_000, maxAttempts: 2 });

/** What each option of a hedge may be. */
export const hedgeRules: Rules<HedgeOptions> = Object.freeze({
  ...policyOptionRules,
  delayMs: either(
    either(milliseconds(), oneOf('on-failure')),
    implementing<LearnedDelay>('a delay such as learned()', 'createEstimate'),
  ),
  maxAttempts: integer(1, 100),
  budget: budgetRule,
  hedgeIf: callable<(error: unknown, attempt: number) => boolean>(),
  hedgeResultIf: callable<(value: unknown, attempt: number) => boolean>(),
});
