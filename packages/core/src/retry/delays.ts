import type { Random } from '../clock/random.ts';
import type { Backoff, BackoffStep } from './backoff.ts';
import type { GeneratedBackoff } from './generated.ts';
import { type Jitter, type JitterFunction, jitterFunction } from './jitter.ts';

/** What a wait is made from. */
export interface DelayOptions {
  readonly backoff: Backoff | GeneratedBackoff;
  readonly jitter: Jitter;
  readonly minMs: number;
}

/** How long to wait by the options of a retry: what the backoff says, capped, then jittered, not below the floor. */
export class Delays {
  private readonly backoff: Backoff | GeneratedBackoff;
  private readonly minMs: number;
  private readonly jitter: JitterFunction;

  constructor({ backoff, jitter, minMs }: DelayOptions) {
    this.backoff = backoff;
    this.minMs = minMs;
    this.jitter = jitterFunction(jitter);
  }

  /**
   * The next wait in milliseconds, or a promise of it where the backoff gave one; that never rejects.
   *
   * @param onError Told what the user's backoff or jitter threw. The wait is then the stand-in's of a generated
   *   backoff, and otherwise as long as the backoff may be at most.
   */
  next(step: BackoffStep, onError: (error: unknown) => void): number | Promise<number> {
    const instead = (error: unknown): number => {
      onError(error);
      return this.standIn(step, onError);
    };
    try {
      const delay = this.backoff.delayMs(step);
      if (!isThenable(delay)) return this.settled(delay, step, onError);
      return Promise.resolve(delay)
        .then((later) => this.settled(later, step, onError))
        .catch(instead);
    } catch (error) {
      return instead(error);
    }
  }

  private settled(delayMs: number | undefined, step: BackoffStep, onError: (error: unknown) => void): number {
    if (delayMs === undefined && 'otherwise' in this.backoff) return this.standIn(step, onError);
    return this.bounded(delayMs, this.backoff.jittered === true, step.random);
  }

  /** The wait where the backoff has given none. */
  private standIn(step: BackoffStep, onError: (error: unknown) => void): number {
    const { backoff, minMs } = this;
    const longest = Math.max(minMs, backoff.maxMs);
    if (!('otherwise' in backoff)) return longest;
    const { otherwise } = backoff;
    try {
      return this.bounded(otherwise.delayMs(step), otherwise.jittered === true, step.random);
    } catch (error) {
      onError(error);
      return longest;
    }
  }

  private bounded(delayMs: number | undefined, jittered: boolean, random: Random): number {
    if (typeof delayMs !== 'number' || !(delayMs >= 0)) throw new RangeError(`the delay is no duration: ${delayMs}`);
    const capped = Math.min(this.backoff.maxMs, delayMs);
    const spread = jittered ? capped : Math.min(capped, this.jitter(capped, random));
    if (Number.isNaN(spread)) throw new RangeError(`jitter has made ${spread} of a delay of ${capped} ms`);
    return Math.max(this.minMs, spread);
  }
}

function isThenable(value: unknown): value is PromiseLike<number | undefined> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';
}
