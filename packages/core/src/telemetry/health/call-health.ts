import type { Clock } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import type { EventEnvelope } from '../../events/event.ts';
import type { LoadReader, LoadSource } from '../../load/load-source.ts';
import { resolveOptions } from '../../options/resolve.ts';
import { implementing, positiveMilliseconds, ratio, type Rules } from '../../options/rules.ts';
import type { AnyEventSource } from '../../policy/policy.ts';
import { SlidingHistogram } from '../../structures/sliding-histogram.ts';
import { SlidingCounts } from '../../structures/sliding-counts.ts';
import type { HealthProbe } from './health.ts';
import { type HealthMeasures, type HealthThresholds, thresholdCheck } from './thresholds.ts';

/** Options of {@link callHealth}. */
export interface CallHealthOptions {
  /** Over how long error ratio and latency are taken, in milliseconds, above 0; default 60,000. */
  readonly windowMs?: number | undefined;
  /** Which quantile the latency is, above 0 and at most 1; default 0.95. */
  readonly quantile?: number | undefined;
  /** Where the time comes from; default: the system. */
  readonly clock?: Clock | undefined;
}

/** The defaults of {@link callHealth}. */
export const callHealthDefaults: { readonly windowMs: number; readonly quantile: number } = Object.freeze({
  windowMs: 60_000,
  quantile: 0.95,
});

const rules: Rules<CallHealthOptions> = {
  windowMs: positiveMilliseconds(),
  quantile: ratio(),
  clock: implementing<Clock>('a clock', 'now', 'wallTime', 'setTimer'),
};

/** How the calls of a pipeline came out lately. */
export interface CallHealth {
  /** Error ratio, number of calls, latency and failures in a row. */
  measure(): HealthMeasures;
  /** A check that holds them against thresholds. */
  check(thresholds?: HealthThresholds): HealthProbe;
  /** Listens no more. */
  stop(): void;
}

const SUB_WINDOWS = 12;

/**
 * Listens to how the calls of a pipeline end, from now on.
 *
 * @throws ConfigurationError
 */
export function callHealth(pipeline: AnyEventSource, options: CallHealthOptions = {}): CallHealth {
  const { windowMs, quantile, clock = systemClock } = resolveOptions('callHealth', options, callHealthDefaults, rules);
  const counts = new SlidingCounts(windowMs, SUB_WINDOWS);
  const times = new SlidingHistogram(windowMs, SUB_WINDOWS);
  let consecutiveFailures = 0;
  const on = pipeline.on.bind(pipeline) as (type: string, listener: (event: EventEnvelope) => void) => () => void;
  const stop = on('call-ended', ({ outcome, durationMs = 0 }) => {
    const now = clock.now();
    const ok = outcome === 'success';
    consecutiveFailures = ok ? 0 : consecutiveFailures + 1;
    if (ok) counts.recordHit(now);
    else counts.recordMiss(now);
    times.record(durationMs, now);
  });
  const measure = (): HealthMeasures => {
    const now = clock.now();
    const failures = counts.misses(now);
    const calls = counts.hits(now) + failures;
    const errorRatio = calls === 0 ? undefined : failures / calls;
    const latencyMs = calls === 0 ? undefined : times.at(now).quantile(quantile);
    // Nobody knows how it is now where nobody has called for a whole window.
    return { errorRatio, calls, latencyMs, consecutiveFailures: calls === 0 ? 0 : consecutiveFailures };
  };
  return { measure, check: (thresholds) => thresholdCheck(measure, thresholds), stop };
}

/**
 * A check of a source of load: degraded and unhealthy by the threshold `limitUseRatio`, where 1 is a load of 1. It
 * measures from the first time that it is asked.
 */
export function loadCheck(
  source: LoadSource,
  thresholds: HealthThresholds = {},
  clock: Clock = systemClock,
): HealthProbe {
  let reader: LoadReader | undefined;
  return thresholdCheck(() => ({ limitUseRatio: (reader ??= source.createReader(clock)).read() }), thresholds);
}

/** What of a limiter tells how much of it is used: one of `breakwater/rate-limit`, local or shared. */
export interface AskedLimiter {
  check(key?: string): LimiterAnswer | Promise<LimiterAnswer>;
}

/** What a limiter says. */
export interface LimiterAnswer {
  readonly limitValue: number;
  readonly remaining: number;
}

/** A check of how much of a limit is used, by the threshold `limitUseRatio`; it takes nothing of it. */
export function limiterCheck(limiter: AskedLimiter, thresholds: HealthThresholds = {}, key?: string): HealthProbe {
  return thresholdCheck(async () => {
    const { limitValue, remaining } = await limiter.check(key);
    // Where something else decides there is no limit to be used: whoever is banned has used all, whoever is free nothing.
    if (limitValue === 0 || limitValue === Infinity) return { limitUseRatio: limitValue === 0 ? 1 : 0 };
    return { limitUseRatio: Math.max(0, 1 - remaining / limitValue) };
  }, thresholds);
}
