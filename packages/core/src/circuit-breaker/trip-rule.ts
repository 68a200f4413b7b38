/** The contract of a trip rule: what a closed breaker remembers of its calls, and when that is too much. */

/** A rule that says when a closed breaker opens. One rule may serve many breakers: each has a window of its own. */
export interface TripRule {
  /** What it is: `consecutive`. The window that one rule has saved is not given to another. */
  readonly kind: string;
  /** Whether its window goes by the time. One that doesn't is given 0, and no clock is read for it. */
  readonly timed: boolean;
  /**
   * From how many milliseconds on a call is slow. Where a rule says so, the breaker measures its calls, and a slow probe
   * counts as failed; otherwise no call is measured.
   */
  readonly slowCallMs?: number | undefined;
  createWindow(): TripWindow;
}

/** The memory of one breaker under a trip rule. Only calls that say something about the upstream are recorded. */
export interface TripWindow {
  /**
   * Counts a call that has ended.
   *
   * @param durationMs How long it took; 0 where the rule has no `slowCallMs`.
   * @param now The monotonic time, to within 50 ms; 0 where the rule is not timed.
   * @returns Why the breaker has to open, in a word or two; undefined when it has not.
   */
  record(failed: boolean, durationMs: number, now: number): string | undefined;
  /** Failures that count at present. */
  failures(now: number): number;
  /** Calls that count at present. */
  throughput(now: number): number;
  /** The ratio of slow calls among those that count, 0 to 1; only of a rule that asks for it. */
  slowCallRatio?(now: number): number;
  /**
   * The ratio of calls that a closed breaker has to refuse at present, 0 to 1; only of a rule that refuses some. At 1 the
   * breaker opens.
   */
  rejectionRatio?(now: number): number;
  /** Forgets what it has counted: the breaker has closed. */
  clear(): void;
  /** What it has counted, in numbers that {@link TripWindow.restore} understands; only of a rule that can go on elsewhere. */
  save?(now: number): readonly number[];
  /** Goes on, when empty, from what a window of the same rule saved `ageMs` ago; numbers that don't fit are left alone. */
  restore?(saved: readonly number[], ageMs: number, now: number): void;
}
