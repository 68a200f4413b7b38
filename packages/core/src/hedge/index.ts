/** Hedging: another attempt beside one that is slow or has failed; the first answer counts. */
export { hedge, type Hedge } from './hedge.ts';
export { hedgeDefaults, type HedgeOptions } from './options.ts';
export {
  learned,
  learnedDefaults,
  type DelayEstimate,
  type LearnedDelay,
  type LearnedDelayOptions,
} from './learned-delay.ts';
export type {
  HedgeAttemptFailedEvent,
  HedgeCause,
  HedgeEvent,
  HedgeEvents,
  HedgeRefusedEvent,
  HedgeWonEvent,
} from './events.ts';
export type { HedgeStatistics } from './statistics.ts';
export type { RetryBudget } from '../gates/budget.ts';
export {
  retryBudget,
  retryBudgetDefaults,
  type InFlightBudget,
  type RetryBudgetOptions,
} from '../gates/retry-budget.ts';
export { tokenBudget, tokenBudgetDefaults, type TokenBudget, type TokenBudgetOptions } from '../gates/token-budget.ts';
