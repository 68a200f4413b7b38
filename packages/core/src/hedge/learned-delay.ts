/**
 * A hedge's delay that is learned: the time within which a given share of first attempts is answered.
 *
 * The estimate of that quantile moves by one step with each attempt: d / (1 − q) up when the attempt took longer, d / q
 * down when it was quicker, with d = 0.01 · σ and σ the standard deviation of the times. Where the share q is quicker, ups
 * and downs cancel out, and that is where the estimate stays. (M. Jambon, Moving percentile.) It takes four numbers and
 * no list of times; mean and variance are exponentially weighted over about the last hundred attempts.
 *
 * Only the direction of a step depends on how long an attempt took. So one that was abandoned, or that failed, still
 * counts if it had taken longer than the estimate by then: whatever it would have taken, it was more. One that ended
 * sooner without an answer says nothing. Were the slow ones left out because a hedge had answered before them, the
 * estimate would fall, there would be more hedges, and fewer slow ones still.
 */
import { ConfigurationError } from '../errors/configuration-error.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import { integer, positiveMilliseconds, type Rule, type Rules } from '../options/rules.ts';

/** Options of {@link learned}. */
export interface LearnedDelayOptions {
  /** The share of first attempts that is to be answered before another is begun: above 0 and below 1, default 0.95. */
  readonly quantile?: number | undefined;
  /** How many attempts must have been seen before the estimate is used; at least 1, default 30. */
  readonly minSamples?: number | undefined;
  /** The delay until then, in milliseconds; default: none, so that only a failure begins another attempt. */
  readonly initialMs?: number | undefined;
  /** The shortest delay, in milliseconds; default 1. */
  readonly minMs?: number | undefined;
  /** The longest delay, in milliseconds; default 60,000. */
  readonly maxMs?: number | undefined;
}

/** The defaults of {@link learned}. */
export const learnedDefaults: Readonly<
  Required<Pick<LearnedDelayOptions, 'quantile' | 'minSamples' | 'minMs' | 'maxMs'>>
> = Object.freeze({ quantile: 0.95, minSamples: 30, minMs: 1, maxMs: 60_000 });

/** A delay that each hedge learns for itself; see {@link learned}. */
export interface LearnedDelay {
  readonly quantile: number;
  /** The estimate of one hedge, which knows nothing yet. */
  createEstimate(): DelayEstimate;
}

/** What one hedge has learned. */
export interface DelayEstimate {
  /** The delay, in milliseconds; undefined while there is none. */
  readonly delayMs: number | undefined;
  /** How many attempts it has seen. */
  readonly samples: number;
  /** A first attempt has ended, or is not waited for any more, after so many milliseconds. */
  record(tookMs: number, answered: boolean): void;
}

const quantileRule: Rule<number> = Object.freeze({
  expected: 'a ratio above 0 and below 1',
  accepts: (value: unknown): value is number => typeof value === 'number' && value > 0 && value < 1,
});

const rules: Rules<LearnedDelayOptions> = Object.freeze({
  quantile: quantileRule,
  minSamples: integer(1),
  initialMs: positiveMilliseconds(),
  minMs: positiveMilliseconds(),
  maxMs: positiveMilliseconds(),
});

/**
 * A delay that follows how long first attempts take: with a quantile of 0.95, one call in twenty is hedged.
 *
 * @throws ConfigurationError
 */
export function learned(options: LearnedDelayOptions = {}): LearnedDelay {
  const resolved = resolveOptions('learned', options, learnedDefaults, rules);
  const { quantile, minSamples, initialMs, minMs, maxMs } = resolved;
  if (minMs > maxMs) {
    throw new ConfigurationError([
      { path: 'learned.minMs', expected: `at most maxMs, ${maxMs}`, received: describe(minMs) },
    ]);
  }
  return Object.freeze({
    quantile,
    createEstimate: () => new MovingQuantile(quantile, minSamples, initialMs, minMs, maxMs),
  });
}

const STEP_RATIO = 0.01;
/** The weight of the newest time in mean and variance, from the hundredth on. */
const SMALLEST_WEIGHT = 0.01;

class MovingQuantile implements DelayEstimate {
  samples = 0;
  private readonly quantile: number;
  private readonly minSamples: number;
  private readonly initialMs: number | undefined;
  private readonly minMs: number;
  private readonly maxMs: number;
  private value = 0;
  private mean = 0;
  private variance = 0;

  constructor(quantile: number, minSamples: number, initialMs: number | undefined, minMs: number, maxMs: number) {
    this.quantile = quantile;
    this.minSamples = minSamples;
    this.initialMs = initialMs;
    this.minMs = minMs;
    this.maxMs = maxMs;
  }

  get delayMs(): number | undefined {
    const delayMs = this.samples < this.minSamples ? this.initialMs : this.value;
    return delayMs === undefined ? undefined : Math.min(this.maxMs, Math.max(this.minMs, delayMs));
  }

  record(tookMs: number, answered: boolean): void {
    if (!answered && (this.samples === 0 || tookMs <= this.value)) return;
    this.samples++;
    if (this.samples === 1) this.value = tookMs;
    const weight = Math.max(SMALLEST_WEIGHT, 1 / this.samples);
    const deviation = tookMs - this.mean;
    this.mean += weight * deviation;
    this.variance = (1 - weight) * (this.variance + weight * deviation * deviation);
    const step = STEP_RATIO * Math.sqrt(this.variance);
    if (tookMs < this.value) this.value -= step / this.quantile;
    else if (tookMs > this.value) this.value += step / (1 - this.quantile);
  }
}
