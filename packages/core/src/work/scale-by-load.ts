/**
 * Scales a worker pool from the depth of its queue and the latency of its tasks, once per round, a round being as many
 * tasks as may run at once:
 *
 * - tasks took longer than they may: fewer by a tenth, since what is behind the pool is overloaded;
 * - otherwise, tasks wait and every worker is busy: more by the square root, so that 100 workers are there after some 15 rounds;
 * - nothing waits and less than half of the workers are busy: one fewer.
 *
 * Multiplicative decrease and gentle increase settle near the knee of the curve, as in TCP.
 */
import { resolveOptions } from '../options/resolve.ts';
import { positiveMilliseconds, type Rules } from '../options/rules.ts';
import type { ConcurrencyPolicy, ConcurrencySample, ScaleByLoadOptions } from './concurrency-policy.ts';

const rules: Rules<ScaleByLoadOptions> = { targetLatencyMs: positiveMilliseconds() };

const TOLERANCE = 1.5;
const LONG_RUN = 600;

/**
 * A policy for one worker pool that grows while tasks wait, and shrinks when they take too long or too few are there.
 *
 * @throws ConfigurationError
 */
export function scaleByLoad(options: ScaleByLoadOptions = {}): ConcurrencyPolicy {
  return new LoadScaling(resolveOptions('scaleByLoad', options, {}, rules).targetLatencyMs);
}

class LoadScaling implements ConcurrencyPolicy {
  private readonly targetLatencyMs: number | undefined;
  private longRunMs = 0;
  private samples = 0;
  private inRound = 0;
  private roundMs = 0;
  private mostRunning = 0;

  constructor(targetLatencyMs: number | undefined) {
    this.targetLatencyMs = targetLatencyMs;
  }

  next({ limit, running, queued, latencyMs }: ConcurrencySample): number {
    this.inRound++;
    this.roundMs += latencyMs;
    this.mostRunning = Math.max(this.mostRunning, running);
    if (this.inRound < limit) return limit;
    const meanMs = this.roundMs / this.inRound;
    const tooSlow = meanMs > this.tolerableMs(meanMs);
    const wanted = this.decide(limit, tooSlow, queued);
    this.samples = Math.min(LONG_RUN, this.samples + this.inRound);
    this.longRunMs += (meanMs - this.longRunMs) * (this.inRound / this.samples);
    this.inRound = 0;
    this.roundMs = 0;
    this.mostRunning = 0;
    return wanted;
  }

  private tolerableMs(meanMs: number): number {
    return this.targetLatencyMs ?? (this.samples === 0 ? meanMs : TOLERANCE * this.longRunMs);
  }

  private decide(limit: number, tooSlow: boolean, queued: number): number {
    if (tooSlow) return Math.min(limit - 1, Math.floor(limit * 0.9));
    if (queued > 0) return this.mostRunning >= limit ? limit + Math.ceil(Math.sqrt(limit)) : limit;
    return this.mostRunning < limit / 2 ? limit - 1 : limit;
  }
}
