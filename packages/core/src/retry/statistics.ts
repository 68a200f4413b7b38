import type { GiveUpReason } from './events.ts';

/** What has become of the calls of a retry. */
export interface RetryStatistics {
  /** Calls that have come in. */
  readonly calls: number;
  /** Calls that were tried again at least once. */
  readonly retried: number;
  /** Attempts beyond the first, of all calls together. */
  readonly retries: number;
  /** Calls whose first attempt gave an acceptable result. */
  readonly succeededFirst: number;
  /** Calls that had an acceptable result from a later attempt. */
  readonly succeededAfterRetry: number;
  /** Calls that ended without an acceptable result, those included that were ended from outside. */
  readonly failed: number;
  /** Those of the failed calls that had used all their attempts. */
  readonly exhausted: number;
  /** Those of the failed calls for whose next attempt the budget had no room. */
  readonly refusedByBudget: number;
  /** What all waits together were meant to take, in milliseconds. */
  readonly totalDelayMs: number;
  /** How many calls ended with their first, second, … attempt; the twentieth stands for all beyond as well. */
  readonly attemptsHistogram: readonly number[];
}

const HISTOGRAM_SIZE = 20;

/** The same while it is being counted. */
export type RetryCounts = { -readonly [Name in keyof RetryStatistics]: RetryStatistics[Name] } & {
  readonly attemptsHistogram: number[];
};

/** Nothing has been counted yet. */
export function noRetryCounts(): RetryCounts {
  return {
    calls: 0,
    retried: 0,
    retries: 0,
    succeededFirst: 0,
    succeededAfterRetry: 0,
    failed: 0,
    exhausted: 0,
    refusedByBudget: 0,
    totalDelayMs: 0,
    attemptsHistogram: new Array<number>(HISTOGRAM_SIZE).fill(0),
  };
}

/** Attempt number `attempt` is tried again after a wait. */
export function countRetry(counts: RetryCounts, attempt: number, delayMs: number): void {
  if (attempt === 1) counts.retried++;
  counts.retries++;
  counts.totalDelayMs += delayMs;
}

/** A call has ended with its attempt number `attempt`. */
export function countEnd(counts: RetryCounts, acceptable: boolean, attempt: number): void {
  counts.attemptsHistogram[Math.min(attempt, HISTOGRAM_SIZE) - 1]!++;
  if (!acceptable) counts.failed++;
  else if (attempt === 1) counts.succeededFirst++;
  else counts.succeededAfterRetry++;
}

/** Why a call has ended without an acceptable result. */
export function countReason(counts: RetryCounts, reason: GiveUpReason): void {
  if (reason === 'max-attempts') counts.exhausted++;
  else if (reason === 'budget') counts.refusedByBudget++;
}
