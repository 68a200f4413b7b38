/**
 * A rule without a threshold: it learns how many calls fail on a usual day, and refuses as large a share of the calls as
 * the failures beyond that demand. When that is all of them, the breaker opens. The idea is that of the adaptive breaker
 * of Shopify's semian, and so are the numbers.
 *
 * A PID controller steers the share r of calls to refuse, once in each tenth of the window (dt, in seconds):
 *
 * ```text
 * e      failures / calls of the window
 * ideal  moves towards e, quickly down and slowly up; what is above 10 % is an outage and teaches nothing
 * δ      e − ideal; 0 where it lies within the dead zone: above 0 and at most 25 % of ideal
 * p      δ − (1 − δ) · r        grows with the failures, falls with what is refused already
 * r      clamped to 0 … 1: r + kp · p + ki · ∫p dt + kd · dp/dt, the integral clamped to −10 … 10
 * ```
 *
 * So r settles near δ / (1 − δ): where a tenth of the calls fails beyond the usual it refuses a ninth, and from half of
 * them on everything, which opens the breaker. There is no timer: the steps that are due are made by the next call.
 */
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { integer, number, positiveMilliseconds } from '../options/rules.ts';
import { SlidingCounts } from '../structures/sliding-counts.ts';
import { SUB_WINDOWS, type SamplingOptions } from './sampled-rules.ts';
import type { TripRule, TripWindow } from './trip-rule.ts';

/** Options of {@link adaptive}. */
export interface AdaptiveOptions extends SamplingOptions {
  /** The ratio of failures that is taken for usual before anything is known, 0 to 1; default 0.05. */
  readonly initialFailureRatio?: number | undefined;
  /** Failures beyond the usual ratio by no more than this share of it are taken for noise; at least 0, default 0.25. */
  readonly deadZoneRatio?: number | undefined;
  /** kp, what the present deviation counts; at least 0, default 1. */
  readonly proportionalGain?: number | undefined;
  /** ki, what the deviation of the past counts, per second; at least 0, default 0.1. */
  readonly integralGain?: number | undefined;
  /** kd, what the change of the deviation counts, in seconds; at least 0, default 0. */
  readonly derivativeGain?: number | undefined;
}

/** The defaults of {@link adaptive}. */
export const adaptiveDefaults: { readonly [Key in keyof AdaptiveOptions]-?: number } = Object.freeze({
  initialFailureRatio: 0.05,
  deadZoneRatio: 0.25,
  proportionalGain: 1,
  integralGain: 0.1,
  derivativeGain: 0,
  minThroughput: 10,
  samplingMs: 10_000,
});

const MOST_INTEGRAL = 10;
/** A ratio of failures above this is no usual day's. */
const MOST_USUAL_RATIO = 0.1;
/** Which part of the way the usual ratio moves at each step. */
const RISE = 0.0083;
const FALL = 0.049;

/**
 * Refuses a share of the calls that grows with the failures beyond the usual, and opens when that is all of them; it needs
 * no threshold. A breaker with this rule refuses calls, with a CircuitOpenError, also while it is closed.
 *
 * @throws ConfigurationError
 */
export function adaptive(given: AdaptiveOptions = {}): TripRule {
  const options = resolveOptions('adaptive', given, adaptiveDefaults, {
    initialFailureRatio: number(0, 1),
    deadZoneRatio: number(0, Infinity),
    proportionalGain: number(0, Infinity),
    integralGain: number(0, Infinity),
    derivativeGain: number(0, Infinity),
    minThroughput: integer(1),
    samplingMs: positiveMilliseconds(),
  });
  return Object.freeze({ kind: 'adaptive', timed: true, createWindow: () => new AdaptiveWindow(options) });
}

class AdaptiveWindow implements TripWindow {
  private readonly options: Resolved<AdaptiveOptions, typeof adaptiveDefaults>;
  private readonly counts: SlidingCounts;
  private readonly stepMs: number;
  private usualRatio: number;
  private rejection = 0;
  private integral = 0;
  private deviation = 0;
  private nextStepAt = -Infinity;

  constructor(options: Resolved<AdaptiveOptions, typeof adaptiveDefaults>) {
    this.options = options;
    this.counts = new SlidingCounts(options.samplingMs, SUB_WINDOWS);
    this.stepMs = options.samplingMs / SUB_WINDOWS;
    this.usualRatio = options.initialFailureRatio;
  }

  record(failed: boolean, _durationMs: number, now: number): string | undefined {
    this.catchUp(now);
    if (failed) this.counts.recordMiss(now);
    else this.counts.recordHit(now);
    return undefined;
  }

  failures(now: number): number {
    return this.counts.misses(now);
  }

  throughput(now: number): number {
    return this.counts.hits(now) + this.counts.misses(now);
  }

  rejectionRatio(now: number): number {
    this.catchUp(now);
    return this.rejection;
  }

  /** What is usual is still known when the breaker has closed. */
  clear(): void {
    this.counts.clear();
    this.relax();
  }

  save(now: number): readonly number[] {
    this.catchUp(now);
    return [this.usualRatio, this.rejection, this.integral, this.deviation, ...this.counts.save(now)];
  }

  restore(saved: readonly number[], ageMs: number, now: number): void {
    const [usualRatio, rejection, integral, deviation, ...counts] = saved;
    if (counts.length !== 2 * SUB_WINDOWS) return;
    this.usualRatio = usualRatio!;
    this.rejection = rejection!;
    this.integral = integral!;
    this.deviation = deviation!;
    this.counts.restore(counts, now - ageMs);
    this.nextStepAt = now - ageMs + this.stepMs;
  }

  /** Makes the steps that are due. Where a whole window has gone by without a call, nothing of the past counts. */
  private catchUp(now: number): void {
    if (now - this.nextStepAt >= this.options.samplingMs) {
      this.relax();
      this.nextStepAt = now;
    }
    for (; this.nextStepAt <= now; this.nextStepAt += this.stepMs) this.step(this.nextStepAt);
  }

  private relax(): void {
    this.rejection = this.integral = this.deviation = 0;
  }

  private step(at: number): void {
    const { proportionalGain, integralGain, derivativeGain } = this.options;
    const seconds = this.stepMs / 1_000;
    const excess = this.excess(at);
    const deviation = excess - (1 - excess) * this.rejection;
    const change = (deviation - this.deviation) / seconds;
    this.deviation = deviation;
    this.integral = clamp(this.integral + deviation * seconds, -MOST_INTEGRAL, MOST_INTEGRAL);
    const more = proportionalGain * deviation + integralGain * this.integral + derivativeGain * change;
    this.rejection = clamp(this.rejection + more, 0, 1);
  }

  /** The ratio of failures beyond the usual; too few calls show nothing. */
  private excess(at: number): number {
    const throughput = this.throughput(at);
    if (throughput < this.options.minThroughput) return 0;
    const ratio = this.failures(at) / throughput;
    if (ratio <= MOST_USUAL_RATIO)
      this.usualRatio += (ratio > this.usualRatio ? RISE : FALL) * (ratio - this.usualRatio);
    const excess = ratio - this.usualRatio;
    return excess > 0 && excess <= this.options.deadZoneRatio * this.usualRatio ? 0 : excess;
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
