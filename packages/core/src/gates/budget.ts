/**
 * When an upstream is down, every call fails, every call is retried, and the upstream gets a multiple of its load just
 * when it can bear the least. A budget bounds that over all calls together: a retry, or a second attempt of a hedge, is
 * only made when the budget has room for it. One budget is meant to be shared by all that talk to one upstream.
 *
 * There are two forms: retry-budget.ts goes by what is in flight, token-budget.ts by how attempts have ended.
 */
import { implementing, type Rule } from '../options/rules.ts';
import type { Outcome } from '../policy/outcome.ts';

/** Decides over further attempts of calls; what retries and hedges ask. `retryBudget()` and `tokenBudget()` make them. */
export interface RetryBudget {
  /** A call comes to a policy with this budget; told by each such policy that the call comes to. */
  callBegan(call: object): void;
  /** The same policy has done with the call. */
  callEnded(call: object): void;
  /** An attempt ended with this outcome. False for `acceptable` when another attempt might mend it. */
  attemptEnded(outcome: Outcome, acceptable: boolean): void;
  /** Takes what one further attempt costs; false when there is no room for it. */
  tryTake(): boolean;
  /** The further attempt has ended, or is not wanted any more. Called once for each that was taken. */
  giveBack(): void;
}

/** What an option that takes a budget may be. */
export const budgetRule: Rule<RetryBudget> = implementing<RetryBudget>(
  'a budget such as retryBudget()',
  'callBegan',
  'callEnded',
  'attemptEnded',
  'tryTake',
  'giveBack',
);
