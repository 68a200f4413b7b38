import { resolveOptions } from '../options/resolve.ts';
import { integer } from '../options/rules.ts';
import { SlidingCounts } from '../structures/sliding-counts.ts';

/** What a closed breaker remembers of its calls, and when that is too much. One per breaker. */
export interface TripWindow {
  recordSuccess(now: number): void;
  /** True when the breaker has to open. */
  recordFailure(now: number): boolean;
  /** Failures that count at present. */
  failures(now: number): number;
  /** Calls that count at present. */
  throughput(now: number): number;
  clear(): void;
}

/** A rule that says when a breaker opens. */
export interface TripRule {
  /** Whether the rule asks what time it is; a rule that does not saves the reading. */
  readonly timed: boolean;
  createWindow(): TripWindow;
}

/** Opens after so many failures in a row, each success starting anew. At least 1. */
export function consecutive(failures: number): TripRule {
  const options = resolveOptions('consecutive', { failures }, {}, { failures: integer(1) });
  return Object.freeze({ timed: false, createWindow: () => new ConsecutiveWindow(options.failures) });
}

class ConsecutiveWindow implements TripWindow {
  private readonly most: number;
  private streak = 0;

  constructor(most: number) {
    this.most = most;
  }

  recordSuccess(): void {
    this.streak = 0;
  }

  recordFailure(): boolean {
    return ++this.streak >= this.most;
  }

  failures(): number {
    return this.streak;
  }

  throughput(): number {
    return this.streak;
  }

  clear(): void {
    this.streak = 0;
  }
}

const SUB_WINDOWS = 10;

/** Opens when the ratio of failures within the last `samplingMs` reaches `failureRatio`, from `minThroughput` calls on. */
export function sampledRatio(failureRatio: number, minThroughput: number, samplingMs: number): TripRule {
  return Object.freeze({ timed: true, createWindow: () => new SampledWindow(failureRatio, minThroughput, samplingMs) });
}

class SampledWindow implements TripWindow {
  private readonly ratio: number;
  private readonly minThroughput: number;
  private readonly counts: SlidingCounts;

  constructor(ratio: number, minThroughput: number, samplingMs: number) {
    this.ratio = ratio;
    this.minThroughput = minThroughput;
    this.counts = new SlidingCounts(samplingMs, SUB_WINDOWS);
  }

  recordSuccess(now: number): void {
    this.counts.recordHit(now);
  }

  recordFailure(now: number): boolean {
    this.counts.recordMiss(now);
    const throughput = this.throughput(now);
    return throughput >= this.minThroughput && this.counts.misses(now) / throughput >= this.ratio;
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
}
