import { decisionApart, type RateLimitDecision } from '../decision.ts';
import type { LimitAnswer, LimitHold, LimitQuestion, LimitReading } from './limit-store.ts';

/** What an answer of the store means for a request. */
export function decisionOf(question: LimitQuestion, answer: LimitAnswer): RateLimitDecision {
  if (answer.hold !== undefined) return heldBack(answer.hold);
  const { readings } = answer;
  const slowest = indexOf(readings, (one, other) => one.waitMs > other.waitMs);
  if (readings[slowest]!.waitMs > 0) return of(question, slowest, readings[slowest]!, false);
  // The limit that has the least left speaks for all.
  const scarcest = indexOf(readings, (one, other) => one.remaining < other.remaining);
  return of(question, scarcest, readings[scarcest]!, true);
}

/** The decision about a key that is banned, or whose budget is paused. */
function heldBack({ cause, leftMs }: LimitHold): RateLimitDecision {
  return decisionApart(cause, false, leftMs);
}

/** The decision about a cost that never fits; undefined when it may. */
export function oversize({ limits }: LimitQuestion): RateLimitDecision | undefined {
  const large = limits.find(({ numbers, cost }) => cost > maxCostOf(numbers));
  if (large === undefined) return undefined;
  const { name, limit } = large.numbers;
  return {
    allowed: false,
    limitName: name,
    limitValue: limit,
    remaining: 0,
    retryAfterMs: Infinity,
    resetMs: 0,
    oversize: true,
    degraded: false,
    shadow: false,
  };
}

/** The largest cost that a limit ever lets through. */
export function maxCostOf({ algorithm, burst, limit }: LimitQuestion['limits'][number]['numbers']): number {
  return algorithm.hasBurst ? burst : limit;
}

function of(question: LimitQuestion, index: number, reading: LimitReading, allowed: boolean): RateLimitDecision {
  const { name, limit } = question.limits[index]!.numbers;
  const { remaining, waitMs, resetMs } = reading;
  return {
    allowed,
    limitName: name,
    limitValue: limit,
    remaining,
    retryAfterMs: allowed ? 0 : waitMs,
    resetMs,
    oversize: waitMs === Infinity,
    degraded: false,
    shadow: false,
  };
}

function indexOf(
  readings: readonly LimitReading[],
  isBefore: (one: LimitReading, other: LimitReading) => boolean,
): number {
  let first = 0;
  for (let at = 1; at < readings.length; at++) if (isBefore(readings[at]!, readings[first]!)) first = at;
  return first;
}
