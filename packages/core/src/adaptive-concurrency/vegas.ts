/**
 * Vegas estimates from the time of calls how many of them wait at the upstream, and keeps that number small:
 *
 *     queue = ⌈limit · (1 − noLoad / rtt)⌉          log = max(1, ⌊log10 limit⌋)
 *
 *     drop: −log      queue ≤ log: +6·log      queue < 3·log: +log      queue > 6·log: −log      otherwise unchanged
 *
 * `noLoad` is the shortest time seen. The upstream may become slower for good, so that time is taken anew every
 * 30 · limit samples, times a random number from 0.5 to 1 so that clients don't do so at once; a sample that sets it
 * changes nothing else. A limit that is less than half in use is not judged by: it would only drift upwards.
 *
 * Source: TCP Vegas (Brakmo, O'Malley, Peterson, 1994), as VegasLimit of Netflix's concurrency-limits has it.
 */
import type { Random } from '../clock/random.ts';
import { resolveOptions } from '../options/resolve.ts';
import { integer, type Rules } from '../options/rules.ts';
import type { LimitAlgorithm, LimitEstimator, LimitSample } from './algorithm.ts';

/** Options of {@link vegas}. */
export interface VegasOptions {
  /** The time without load is taken anew after so many samples, times the limit; at least 1, default 30. */
  readonly probeMultiplier?: number | undefined;
}

/** The defaults of {@link vegas}. */
export const vegasDefaults: { readonly probeMultiplier: number } = Object.freeze({ probeMultiplier: 30 });

const vegasRules: Rules<VegasOptions> = Object.freeze({ probeMultiplier: integer(1) });

/**
 * The limit keeps a small queue at the upstream, as estimated from the shortest time that a call has taken.
 *
 * @throws ConfigurationError
 */
export function vegas(given?: VegasOptions): LimitAlgorithm {
  const { probeMultiplier } = resolveOptions('vegas', given, vegasDefaults, vegasRules);
  return Object.freeze({
    name: 'vegas',
    createEstimator: (random: Random) => new Vegas(probeMultiplier, random),
  });
}

class Vegas implements LimitEstimator {
  private readonly probeMultiplier: number;
  private readonly random: Random;
  private noLoadMs = Infinity;
  private samples = 0;
  private jitter: number;

  constructor(probeMultiplier: number, random: Random) {
    this.probeMultiplier = probeMultiplier;
    this.random = random;
    this.jitter = this.drawJitter();
  }

  next(limit: number, { rttMs, inflight, dropped }: LimitSample): number {
    const log = Math.max(1, Math.floor(Math.log10(limit)));
    if (dropped) return limit - log;
    if (this.takesNoLoad(limit, rttMs) || inflight * 2 < limit) return limit;
    const queue = Math.ceil(limit * (1 - this.noLoadMs / rttMs));
    if (queue <= log) return limit + 6 * log;
    if (queue < 3 * log) return limit + log;
    return queue > 6 * log ? limit - log : limit;
  }

  private takesNoLoad(limit: number, rttMs: number): boolean {
    this.samples++;
    if (this.samples >= this.jitter * this.probeMultiplier * limit) {
      this.samples = 0;
      this.jitter = this.drawJitter();
    } else if (rttMs >= this.noLoadMs) return false;
    this.noLoadMs = rttMs;
    return true;
  }

  private drawJitter(): number {
    return 0.5 + this.random.next() / 2;
  }
}
