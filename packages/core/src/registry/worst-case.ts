/**
 * How long a call may take at worst, from what its policies say. Each policy bounds, multiplies or adds to the time of
 * what is inside it; where nothing bounds the innermost function the answer is Infinity.
 */
import type { Backoff } from '../retry/backoff.ts';
import { optionsOf, type RowEntry } from './policy-row.ts';

/** The longest time of a call from this entry of the row inward, in milliseconds. */
export function worstCaseMs(row: readonly RowEntry[], from = 0): number {
  const entry = row[from];
  if (entry === undefined) return Infinity;
  const inside = worstCaseMs(row, from + 1);
  const options = optionsOf(entry.policy);
  switch (entry.policy.kind) {
    case 'timeout':
      return Math.min(inside, fixed(options['timeoutMs']));
    case 'retry':
      return retriedMs(options, inside);
    case 'bulkhead':
    case 'adaptive-concurrency':
      return inside + queueWaitMs(options);
    case 'rate-limit':
      return inside + waitMs(options['maxWaitMs']);
    default:
      return inside;
  }
}

/** How many waits of a retry are looked at one by one. */
const LOOKED_AT_MOST = 1_000;

/** All attempts, and the longest waits between them. */
function retriedMs(options: Readonly<Record<string, unknown>>, inside: number): number {
  const attempts = number(options['maxAttempts'], 1);
  const backoff = options['backoff'] as Backoff | undefined;
  const lookedAt = Math.min(attempts - 1, LOOKED_AT_MOST);
  // The waits beyond are taken for as long as they may be.
  let total = attempts * inside + (attempts - 1 > lookedAt ? (attempts - 1 - lookedAt) * (backoff?.maxMs ?? 0) : 0);
  for (let attempt = 1; attempt <= lookedAt && Number.isFinite(total); attempt += 1)
    total += longestWaitMs(backoff, attempt);
  const { maxElapsedMs } = options;
  // The last attempt is begun before the limit, and may then take its whole time.
  return typeof maxElapsedMs === 'number' ? Math.min(total, maxElapsedMs + inside) : total;
}

/** Without jitter, which only ever shortens a wait. */
function longestWaitMs(backoff: Backoff | undefined, attempt: number): number {
  if (backoff === undefined) return 0;
  try {
    const random = { next: () => 1 - Number.EPSILON };
    const delay: unknown = backoff.delayMs({ attempt, error: undefined, previousMs: backoff.maxMs, random } as never);
    return typeof delay === 'number' && delay >= 0 ? Math.min(delay, backoff.maxMs) : backoff.maxMs;
  } catch {
    // A function of the user's that wants a real error: its cap is what is known.
    return backoff.maxMs;
  }
}

/** How long a call may stand in the queue of a bulkhead. */
function queueWaitMs(options: Readonly<Record<string, unknown>>): number {
  return number(options['maxQueue'], 0) === 0 ? 0 : waitMs(options['maxQueueWaitMs']);
}

/** A wait without limit says nothing about the worst case: the timeout outside it does. */
function waitMs(value: unknown): number {
  const wait = number(value, Infinity);
  return Number.isFinite(wait) ? wait : 0;
}

/** A duration that is the same for every call; Infinity for one that a function says. */
export function fixed(value: unknown): number {
  return number(value, Infinity);
}

/** A number, or what to take in its place. */
export function number(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
