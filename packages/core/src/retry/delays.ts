import type { Backoff, BackoffStep } from './backoff.ts';
import type { GeneratedBackoff } from './generated.ts';
import { type Jitter, jitterFunction } from './jitter.ts';

/** What a wait is made from. */
export interface DelayOptions {
  readonly backoff: Backoff | GeneratedBackoff;
  readonly jitter: Jitter;
  readonly minMs: number;
}

/**
 * How long to wait by the options of a retry: what the backoff says, capped, then jittered, not below the floor. In
 * milliseconds, or a promise of it where the backoff gave one; that never rejects.
 *
 * @param onError Told what the user's backoff or jitter threw. The wait is then the stand-in's of a generated backoff,
 *   and otherwise as long as the backoff may be at most.
 */
export function nextDelay(
  options: DelayOptions,
  step: BackoffStep,
  onError: (error: unknown) => void,
): number | Promise<number> {
  const { backoff } = options;
  const settled = (delayMs: number | undefined): number =>
    delayMs === undefined && 'otherwise' in backoff
      ? standIn(options, step, onError)
      : bounded(options, step, delayMs, backoff.jittered);
  const instead = (error: unknown): number => {
    onError(error);
    return standIn(options, step, onError);
  };
  try {
    const delay = backoff.delayMs(step);
    return isThenable(delay) ? Promise.resolve(delay).then(settled).catch(instead) : settled(delay);
  } catch (error) {
    return instead(error);
  }
}

/** The wait where the backoff has given none. */
function standIn(options: DelayOptions, step: BackoffStep, onError: (error: unknown) => void): number {
  const { backoff, minMs } = options;
  try {
    if ('otherwise' in backoff)
      return bounded(options, step, backoff.otherwise.delayMs(step), backoff.otherwise.jittered);
  } catch (error) {
    onError(error);
  }
  return Math.max(minMs, backoff.maxMs);
}

function bounded(
  { backoff, jitter, minMs }: DelayOptions,
  { random }: BackoffStep,
  delayMs: number | undefined,
  jittered = false,
): number {
  if (typeof delayMs !== 'number' || !(delayMs >= 0)) throw new RangeError(`the delay is no duration: ${delayMs}`);
  const capped = Math.min(backoff.maxMs, delayMs);
  const spread = jittered ? capped : Math.min(capped, jitterFunction(jitter)(capped, random));
  if (Number.isNaN(spread)) throw new RangeError(`jitter has made ${spread} of a delay of ${capped} ms`);
  return Math.max(minMs, spread);
}

function isThenable(value: unknown): value is PromiseLike<number | undefined> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';
}
