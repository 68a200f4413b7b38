/**
 * The rules that go by a ratio of the calls within some time. Their windows are rings of ten sub-windows with running
 * totals (SlidingCounts), so that counting a call and reading the ratio are O(1) whatever the traffic, and what is old
 * falls out by time: after an idle hour nothing counts any more.
 */
import { resolveOptions } from '../options/resolve.ts';
import { integer, positiveMilliseconds, ratio } from '../options/rules.ts';
import { SlidingCounts } from '../structures/sliding-counts.ts';
import type { TripRule, TripWindow } from './trip-rule.ts';

/** How many sub-windows a window in time has. */
export const SUB_WINDOWS = 10;

/** When a window in time has enough calls, and for how long they count. */
export interface SamplingOptions {
  /** So many calls must be in the window before the ratio counts; at least 1, default 10. */
  readonly minThroughput?: number | undefined;
  /** The length of the window in milliseconds; it moves in ten steps; default 10,000. */
  readonly samplingMs?: number | undefined;
}

/** Options of {@link sampledRatio}. */
export interface SampledRatioOptions extends SamplingOptions {
  /** Opens when this ratio of the calls in the window has failed; above 0 and at most 1, default 0.5. */
  readonly failureRatio?: number | undefined;
}

/** Options of {@link slowCalls}. */
export interface SlowCallsOptions extends SamplingOptions {
  /** From how many milliseconds on a call is slow, above 0. No default. */
  readonly slowCallMs: number;
  /** Opens when this ratio of the calls in the window was slow; above 0 and at most 1, default 0.5. */
  readonly slowCallRatio?: number | undefined;
}

/** The defaults of {@link sampledRatio}, which are those of a breaker without a rule. */
export const sampledRatioDefaults: Readonly<Required<Pick<SampledRatioOptions, keyof SampledRatioOptions>>> =
  Object.freeze({ failureRatio: 0.5, minThroughput: 10, samplingMs: 10_000 });

/** The defaults of {@link slowCalls}. */
export const slowCallsDefaults: {
  readonly slowCallRatio: number;
  readonly minThroughput: number;
  readonly samplingMs: number;
} = Object.freeze({ slowCallRatio: 0.5, minThroughput: 10, samplingMs: 10_000 });

const samplingRules = { minThroughput: integer(1), samplingMs: positiveMilliseconds() };
const sampledRatioRules = Object.freeze({ ...samplingRules, failureRatio: ratio() });
const slowCallsRules = Object.freeze({
  ...samplingRules,
  slowCallMs: positiveMilliseconds(),
  slowCallRatio: ratio(),
});

/**
 * Opens when the ratio of failures within the last `samplingMs` reaches `failureRatio`, from `minThroughput` calls on.
 * It is the rule of a breaker that is given none; by name it can stand beside others: `trip: [sampledRatio(), consecutive(20)]`.
 *
 * @throws ConfigurationError
 */
export function sampledRatio(given: SampledRatioOptions = {}): TripRule {
  const options = resolveOptions('sampledRatio', given, sampledRatioDefaults, sampledRatioRules);
  const { failureRatio, minThroughput, samplingMs } = options;
  return Object.freeze({
    kind: 'sampled-ratio',
    timed: true,
    createWindow: () => new RatioWindow(failureRatio, minThroughput, samplingMs),
  });
}

/**
 * Opens when the ratio of calls that took `slowCallMs` or longer reaches `slowCallRatio`, whether they failed or not. A
 * call counts when it ends, so put a timeout inside: a call that hangs is never counted.
 *
 * @throws ConfigurationError
 */
export function slowCalls(given: SlowCallsOptions): TripRule {
  const options = resolveOptions('slowCalls', given, slowCallsDefaults, slowCallsRules, ['slowCallMs']);
  const { slowCallMs, slowCallRatio, minThroughput, samplingMs } = options;
  return Object.freeze({
    kind: 'slow-calls',
    timed: true,
    slowCallMs,
    createWindow: () => new SlowCallsWindow(slowCallMs, slowCallRatio, minThroughput, samplingMs),
  });
}

/** Counts failures as misses. */
class RatioWindow implements TripWindow {
  private readonly ratio: number;
  private readonly minThroughput: number;
  private readonly counts: SlidingCounts;

  constructor(ratioLimit: number, minThroughput: number, samplingMs: number) {
    this.ratio = ratioLimit;
    this.minThroughput = minThroughput;
    this.counts = new SlidingCounts(samplingMs, SUB_WINDOWS);
  }

  record(failed: boolean, _durationMs: number, now: number): string | undefined {
    if (failed) return this.recordFailure(now);
    this.counts.recordHit(now);
    return undefined;
  }

  failures(now: number): number {
    return this.counts.misses(now);
  }

  throughput(now: number): number {
    return this.counts.hits(now) + this.counts.misses(now);
  }

  clear(): void {
    this.counts.clear();
  }

  save(now: number): readonly number[] {
    return this.counts.save(now);
  }

  restore(saved: readonly number[], ageMs: number, now: number): void {
    this.counts.restore(saved, now - ageMs);
  }

  private recordFailure(now: number): string | undefined {
    this.counts.recordMiss(now);
    const throughput = this.throughput(now);
    return throughput >= this.minThroughput && this.counts.misses(now) / throughput >= this.ratio
      ? 'failures'
      : undefined;
  }
}

/** Counts slow calls as hits of their own, beside what all calls came to. */
class SlowCallsWindow implements TripWindow {
  private readonly slowCallMs: number;
  private readonly ratio: number;
  private readonly minThroughput: number;
  private readonly ends: SlidingCounts;
  private readonly slow: SlidingCounts;

  constructor(slowCallMs: number, ratioLimit: number, minThroughput: number, samplingMs: number) {
    this.slowCallMs = slowCallMs;
    this.ratio = ratioLimit;
    this.minThroughput = minThroughput;
    this.ends = new SlidingCounts(samplingMs, SUB_WINDOWS);
    this.slow = new SlidingCounts(samplingMs, SUB_WINDOWS);
  }

  record(failed: boolean, durationMs: number, now: number): string | undefined {
    if (failed) this.ends.recordMiss(now);
    else this.ends.recordHit(now);
    return durationMs >= this.slowCallMs ? this.recordSlow(now) : undefined;
  }

  failures(now: number): number {
    return this.ends.misses(now);
  }

  throughput(now: number): number {
    return this.ends.hits(now) + this.ends.misses(now);
  }

  slowCallRatio(now: number): number {
    const throughput = this.throughput(now);
    return throughput === 0 ? 0 : this.slow.hits(now) / throughput;
  }

  clear(): void {
    this.ends.clear();
    this.slow.clear();
  }

  save(now: number): readonly number[] {
    return [...this.ends.save(now), ...this.slow.save(now)];
  }

  restore(saved: readonly number[], ageMs: number, now: number): void {
    const half = saved.length / 2;
    this.ends.restore(saved.slice(0, half), now - ageMs);
    this.slow.restore(saved.slice(half), now - ageMs);
  }

  private recordSlow(now: number): string | undefined {
    this.slow.recordHit(now);
    return this.throughput(now) >= this.minThroughput && this.slowCallRatio(now) >= this.ratio
      ? 'slow calls'
      : undefined;
  }
}
