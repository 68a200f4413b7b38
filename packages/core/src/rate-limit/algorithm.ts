import type { RateLimitDecision } from './decision.ts';

/**
 * How a limiter counts: the one thing in which limiters of this folder differ. Local and synchronous; what waits, what
 * is told and how it is asked is the limiter's.
 */
export interface LimitAlgorithm {
  /** What is allowed in a period. */
  readonly limitValue: number;
  /** The largest cost that can ever be taken at once. */
  readonly maxCost: number;
  /** How many keys are remembered. */
  readonly keys: number;

  /**
   * Decides about `cost` at `nowMs`.
   *
   * @param commit True takes the cost if it fits; false changes nothing.
   */
  decide(key: string | undefined, cost: number, nowMs: number, commit: boolean): RateLimitDecision;
  /**
   * After how many milliseconds `cost` would have been let through, also when it is the sum of many requests that come
   * one after the other. Changes nothing.
   */
  waitMs(key: string | undefined, cost: number, nowMs: number): number;
  /** Makes `key` as fresh as one that was never seen. */
  forget(key: string | undefined): void;
}
