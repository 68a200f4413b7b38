/** What became of a task, and how the pool stood then. */
export interface ConcurrencySample {
  /** How many tasks may run at once now. */
  readonly limit: number;
  /** How many ran when this one ended, itself included. */
  readonly running: number;
  /** How many wait. */
  readonly queued: number;
  /** How long the task ran, in milliseconds. */
  readonly latencyMs: number;
  /** Whether it ended well. */
  readonly ok: boolean;
}

/** Says how many tasks may run at once. What it says is rounded, and kept between the pool's `minWorkers` and `maxWorkers`. */
export interface ConcurrencyPolicy {
  /** How many should run from now on; asked whenever a task has ended. */
  next(sample: ConcurrencySample): number;
}

/** Options of {@link scaleByLoad}. */
export interface ScaleByLoadOptions {
  /**
   * Up to what latency all is well, in milliseconds, above 0. Default: 1.5 times what the last 600 tasks or so took on
   * average.
   */
  readonly targetLatencyMs?: number | undefined;
}
