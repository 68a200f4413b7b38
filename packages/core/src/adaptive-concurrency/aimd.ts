/**
 * Additive increase, multiplicative decrease, as TCP does it: the limit shrinks to 0.9 of itself on a drop or when calls
 * take longer than they may, and otherwise grows by 1 as long as at least half of it is in use.
 *
 * Source: Chiu and Jain, 1989; AIMDLimit of Netflix's concurrency-limits.
 */
import { resolveOptions } from '../options/resolve.ts';
import { positiveMilliseconds, ratio, type Rules } from '../options/rules.ts';
import type { LimitAlgorithm, LimitSample } from './algorithm.ts';

/** Options of {@link aimd}. */
export interface AimdOptions {
  /** What is left of the limit after a drop; above 0 and at most 1, default 0.9. */
  readonly backoffRatio?: number | undefined;
  /** Calls that take longer than so many milliseconds count as a drop; default 5,000. */
  readonly latencyThresholdMs?: number | undefined;
}

/** The defaults of {@link aimd}. */
export const aimdDefaults: Readonly<Record<keyof AimdOptions, number>> = Object.freeze({
  backoffRatio: 0.9,
  latencyThresholdMs: 5_000,
});

const aimdRules: Rules<AimdOptions> = Object.freeze({
  backoffRatio: ratio(),
  latencyThresholdMs: positiveMilliseconds(),
});

/**
 * The limit grows by 1 until calls are dropped or take too long, and then shrinks by a tenth.
 *
 * @throws ConfigurationError
 */
export function aimd(given?: AimdOptions): LimitAlgorithm {
  const { backoffRatio, latencyThresholdMs } = resolveOptions('aimd', given, aimdDefaults, aimdRules);
  const next = (limit: number, { rttMs, inflight, dropped }: LimitSample): number => {
    if (dropped || rttMs > latencyThresholdMs) return limit * backoffRatio;
    return inflight * 2 >= limit ? limit + 1 : limit;
  };
  return Object.freeze({ name: 'aimd', createEstimator: () => ({ next }) });
}
