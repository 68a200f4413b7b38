/**
 * One limit that finds its own height.
 *
 * Once an interval, when enough outcomes have come, it looks at them: too many failures, too slow, too many who wait or
 * too much load lower it by a tenth; otherwise it rises by a tenth. A refusal by the server lowers it by three tenths at
 * once, but only once in 250 ms, since one overload is refused many times; then it stays where it is as long as the
 * server's Retry-After wants, and rises by a hundredth of the highest limit per interval until it is where it was: where
 * the server's limit lies is known by then, and is approached in small steps.
 */
import type { Clock } from '../../clock/clock.ts';
import { rateLimiter } from '../local-limiter.ts';
import type { RateLimiter, ServerResponse } from '../rate-limiter.ts';
import type { ResolvedDynamicOptions } from './options.ts';

const CUT = 0.7;
const FALL = 0.9;
const RISE = 1.1;
const SMALL_STEPS = 100;
const CUT_INTERVAL_MS = 250;

/** How a request to an endpoint came out. */
export interface EndpointOutcome {
  /** Whether it was answered. */
  readonly ok: boolean;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** The response, where there was one: a 429 lowers the limit at once, and its headers say for how long. */
  readonly response?: ServerResponse | undefined;
}

/** Why a limit was adjusted last. */
export type AdjustmentReason = 'refused' | 'errors' | 'slow' | 'queue' | 'load' | 'healthy';

/** What is known of an endpoint. */
export interface EndpointStatistics {
  /** Its limit at present. */
  readonly limit: number;
  /** How often its limit has risen, and how often it has fallen. */
  readonly raised: number;
  readonly lowered: number;
  /** Why it was adjusted last; undefined before the first time. */
  readonly lastReason: AdjustmentReason | undefined;
  /** How many outcomes were told. */
  readonly outcomes: number;
  readonly failures: number;
  readonly refusals: number;
}

/** The limit of one endpoint. */
export class EndpointLimit {
  readonly limiter: RateLimiter;
  private readonly options: ResolvedDynamicOptions;
  private readonly clock: Clock;
  private readonly load: () => number;
  private limit: number;
  private intervalEndsAt: number;
  private samples = 0;
  private failed = 0;
  private durationMs = 0;
  private lastCutAt = -Infinity;
  private heldUntil = 0;
  /** Below this it rises in small steps: a server has refused there. */
  private knownHeight = 0;
  private counts = { raised: 0, lowered: 0, outcomes: 0, failures: 0, refusals: 0 };
  private lastReason: AdjustmentReason | undefined = undefined;

  constructor(options: ResolvedDynamicOptions, clock: Clock, load: () => number, limit: number) {
    const { periodMs, name } = options;
    this.options = options;
    this.clock = clock;
    this.load = load;
    this.limit = limit;
    this.limiter = rateLimiter({ limit, periodMs, name, clock });
    this.intervalEndsAt = clock.now() + options.intervalMs;
  }

  get statistics(): EndpointStatistics {
    return { limit: this.limit, lastReason: this.lastReason, ...this.counts };
  }

  /** Takes an outcome into account, and adjusts the limit where it is time for that. */
  record({ ok, durationMs, response }: EndpointOutcome): void {
    const now = this.clock.now();
    this.samples++;
    this.durationMs += durationMs;
    this.counts.outcomes++;
    if (!ok) {
      this.failed++;
      this.counts.failures++;
    }
    if (response !== undefined) this.listen(response, now);
    if (now >= this.intervalEndsAt && this.samples >= this.options.minSamples) this.adjust(now);
  }

  private listen(response: ServerResponse, now: number): void {
    this.limiter.feedback(response);
    if (response.status !== 429) return;
    this.counts.refusals++;
    const { limitName, retryAfterMs } = this.limiter.check();
    if (limitName === 'pause') this.heldUntil = Math.max(this.heldUntil, now + retryAfterMs);
    if (now - this.lastCutAt < CUT_INTERVAL_MS) return;
    this.lastCutAt = now;
    this.knownHeight = this.limit;
    this.change(Math.floor(this.limit * CUT), 'refused');
    this.startInterval(now);
  }

  private adjust(now: number): void {
    const reason = this.trouble();
    this.startInterval(now);
    if (reason !== undefined) return this.change(Math.floor(this.limit * FALL), reason);
    if (now < this.heldUntil) return;
    const step = Math.max(1, Math.round(this.options.maxLimit / SMALL_STEPS));
    const large = Math.max(this.limit + 1, Math.round(this.limit * RISE));
    const raised = this.limit < this.knownHeight ? this.limit + step : large;
    this.change(raised, 'healthy');
  }

  private trouble(): AdjustmentReason | undefined {
    const { maxErrorRatio, targetMs = Infinity, maxQueueDepth = Infinity, maxLoad } = this.options;
    if (this.failed / this.samples > maxErrorRatio) return 'errors';
    if (this.durationMs / this.samples > targetMs) return 'slow';
    if (this.limiter.statistics.waiting > maxQueueDepth) return 'queue';
    return this.load() > maxLoad ? 'load' : undefined;
  }

  private startInterval(now: number): void {
    this.intervalEndsAt = now + this.options.intervalMs;
    this.samples = 0;
    this.failed = 0;
    this.durationMs = 0;
  }

  private change(wanted: number, reason: AdjustmentReason): void {
    const limit = Math.min(Math.max(wanted, this.options.minLimit), this.options.maxLimit);
    this.lastReason = reason;
    if (limit === this.limit) return;
    if (limit > this.limit) this.counts.raised++;
    else this.counts.lowered++;
    this.limit = limit;
    this.limiter.update({ limit });
  }
}
