/**
 * Gradient2 compares how long calls take now with how long they took in the long run. As long as they take no more than
 * 1.5 times as long, the gradient is 1 and the limit grows by room for a small queue; beyond, it shrinks in proportion:
 *
 *     gradient = max(0.5, min(1, 1.5 · long / short))
 *     limit'   = 0.8 · limit + 0.2 · (gradient · limit + 4)
 *
 * `short` is the time of one sample, `long` its exponential average over 600 samples; of the first ten the mean. Where
 * `long` is more than twice `short`, an overload is over that had driven it up: it comes down by 5 % a sample. A limit
 * that is less than half in use is left alone. Under lasting overload `long` follows `short` upwards and the limit with
 * it, slowly: bound it with `maxLimit`.
 *
 * A sample with drops has no time to go by: it counts as the smallest gradient, and leaves no room for a queue.
 *
 * Source: Gradient2Limit of Netflix's concurrency-limits.
 */
import { resolveOptions } from '../options/resolve.ts';
import { integer, number, ratio, type Rules } from '../options/rules.ts';
import type { LimitAlgorithm, LimitEstimator, LimitSample } from './algorithm.ts';

/** Options of {@link gradient2}. */
export interface Gradient2Options {
  /** How many more calls than have room without a queue the limit allows for; at least 0, default 4. */
  readonly queueSize?: number | undefined;
  /** By how many times the long-run time a call may take longer before the limit shrinks; at least 1, default 1.5. */
  readonly tolerance?: number | undefined;
  /** How much of each new estimate goes into the limit; above 0 and at most 1, default 0.2. */
  readonly smoothingRatio?: number | undefined;
  /** How many samples the long run is; at least 1, default 600. */
  readonly longWindow?: number | undefined;
}

/** The defaults of {@link gradient2}. */
export const gradient2Defaults: Readonly<Record<keyof Gradient2Options, number>> = Object.freeze({
  queueSize: 4,
  tolerance: 1.5,
  smoothingRatio: 0.2,
  longWindow: 600,
});

const gradient2Rules: Rules<Gradient2Options> = Object.freeze({
  queueSize: number(0, Infinity),
  tolerance: number(1, Infinity),
  smoothingRatio: ratio(),
  longWindow: integer(1),
});

const SMALLEST_GRADIENT = 0.5;
/** So many samples make a mean before the average takes over. */
const WARM_UP = 10;

/**
 * The limit follows the ratio of the long-run time of calls to their time now.
 *
 * @throws ConfigurationError
 */
export function gradient2(given?: Gradient2Options): LimitAlgorithm {
  const options = resolveOptions('gradient2', given, gradient2Defaults, gradient2Rules);
  return Object.freeze({ name: 'gradient2', createEstimator: () => new Gradient2(options) });
}

class Gradient2 implements LimitEstimator {
  private readonly options: Readonly<Record<keyof Gradient2Options, number>>;
  private long = 0;
  private samples = 0;

  constructor(options: Readonly<Record<keyof Gradient2Options, number>>) {
    this.options = options;
  }

  next(limit: number, { rttMs, inflight, dropped }: LimitSample): number {
    if (dropped) return this.smoothed(limit, SMALLEST_GRADIENT * limit);
    const { tolerance, queueSize } = this.options;
    this.lengthen(rttMs);
    const long = this.long;
    if (long / rttMs > 2) this.long *= 0.95;
    if (inflight < limit / 2) return limit;
    const gradient = Math.max(SMALLEST_GRADIENT, Math.min(1, (tolerance * long) / rttMs));
    return this.smoothed(limit, gradient * limit + queueSize);
  }

  private lengthen(rttMs: number): void {
    this.samples++;
    const weight = this.samples <= WARM_UP ? 1 / this.samples : 2 / (this.options.longWindow + 1);
    this.long += (rttMs - this.long) * weight;
  }

  private smoothed(limit: number, estimate: number): number {
    const { smoothingRatio } = this.options;
    return limit * (1 - smoothingRatio) + estimate * smoothingRatio;
  }
}
