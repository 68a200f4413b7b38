import type { RetryBudget } from '../gates/budget.ts';
import { retryBudget } from '../gates/retry-budget.ts';
import { tokenBudget } from '../gates/token-budget.ts';
import { faultsBelow } from '../options/fault-paths.ts';
import { object, oneOf } from './composite-fields.ts';
import { type Field, integer, number, ratio } from './fields.ts';

/** A budget that is to be made. */
export interface BudgetSpec {
  readonly kind: string;
  readonly options: unknown;
}

/** Reads a budget. */
export const budgetField: Field<BudgetSpec> = oneOf('A budget that bounds retries and hedges.', {
  retryBudget: object('By what is in flight.', {
    maxRatio: ratio('Which part of the calls in flight may be retries or hedges; default 0.2.'),
    minConcurrency: integer('So many may always be in flight; default 3.', 0),
  }),
  tokenBudget: object('By tokens, of which a failure takes one and a success gives a part.', {
    maxTokens: number('How many tokens there are at most; default 10.', 0.001, 1_000),
    tokenRatio: number('Which part of a token a success gives; default 0.1.', 0.001, 1),
  }),
});

const makers: Readonly<Record<string, (options: never) => RetryBudget>> = { retryBudget, tokenBudget };

export function makeBudget({ kind, options }: BudgetSpec): RetryBudget {
  return faultsBelow(`budget.${kind}`, () => makers[kind]!(options as never));
}
