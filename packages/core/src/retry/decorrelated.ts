/**
 * Backoffs that draw lots themselves: the delays grow on average, but no two clients wait alike, so no other jitter is
 * added. Both are called decorrelated jitter.
 */
import { resolveOptions } from '../options/resolve.ts';
import {
  type Backoff,
  type BackoffStep,
  growingDefaults,
  type GrowingBackoffOptions,
  growingRules,
} from './backoff.ts';

/**
 * Each delay is drawn from U(initialMs, 3 · the previous one), capped. Simple, and widely known; now and then a delay
 * is much shorter than the one before. (M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog.)
 */
export function decorrelated(given: GrowingBackoffOptions = {}): Backoff {
  const { initialMs, maxMs } = resolveOptions('decorrelated', given, growingDefaults, growingRules);
  return Object.freeze({
    maxMs,
    jittered: true,
    delayMs: ({ previousMs, random }: BackoffStep) => {
      const lowest = Math.min(initialMs, maxMs);
      const highest = Math.min(maxMs, 3 * Math.max(previousMs, initialMs));
      return lowest + random.next() * (highest - lowest);
    },
  });
}

/** How early the curve turns from its flat beginning into 2^t. */
const STEEPNESS = 4;
/** Brings the median of the first delay near to `initialMs`. */
const SCALE = 1 / 1.4;

/**
 * The backoff that Polly has under "use jitter": a moment t is drawn in each unit of attempts, and the delay is what the
 * curve 2^t · tanh √(4t) has risen since the moment before. The delays of many clients together are spread smoothly,
 * without the peaks that jitter around fixed steps leaves. A delay beyond the cap is drawn from U(maxMs / 2, maxMs).
 * (Version 2 of decorrelated jitter, by G. Hayes, in Polly.Contrib.WaitAndRetry.)
 */
export function decorrelatedV2(given: GrowingBackoffOptions = {}): Backoff {
  const { initialMs, maxMs } = resolveOptions('decorrelatedV2', given, growingDefaults, growingRules);
  return Object.freeze({
    maxMs,
    jittered: true,
    delayMs: ({ attempt, random, note }: BackoffStep) => {
      const t = attempt - 1 + random.next();
      const height = 2 ** t * Math.tanh(Math.sqrt(STEEPNESS * t));
      const delayMs = (height - (note.value ?? 0)) * SCALE * initialMs;
      note.value = height;
      // Where the curve is too high for a number there is no difference to take.
      return delayMs <= maxMs ? delayMs : (maxMs / 2) * (1 + random.next());
    },
  });
}
