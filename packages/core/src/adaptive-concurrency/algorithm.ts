import type { Random } from '../clock/random.ts';

/** What a limiter has seen within one window. */
export interface LimitSample {
  /** The mean time of the calls that were answered, in milliseconds; NaN when none was. */
  readonly rttMs: number;
  /** The largest number of calls that were running at once when one of these began, itself included. */
  readonly inflight: number;
  /** Whether the upstream could not take calls: they ran out of time, or it refused them. */
  readonly dropped: boolean;
}

/** Finds the limit of one limiter. */
export interface LimitEstimator {
  /**
   * The new limit. It may be a fraction, and beyond the bounds: the limiter clamps it and uses its whole part. No
   * number leaves the limit as it is.
   *
   * @param limit The limit in force, fraction included.
   */
  next(limit: number, sample: LimitSample): number;
}

/** A way to find out how many calls an upstream takes at once. */
export interface LimitAlgorithm {
  /** Its name: `gradient2`. */
  readonly name: string;
  /** Makes what one limiter needs. */
  createEstimator(random: Random): LimitEstimator;
}
