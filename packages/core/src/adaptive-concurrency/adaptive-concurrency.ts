import { withoutStack } from '../errors/rejection.ts';
import { EventChannel } from '../events/channel.ts';
import { isOverload } from '../gates/overload.ts';
import type { PermitStatistics } from '../gates/permits.ts';
import { PermitPolicy, type PermitRefusal } from '../gates/permit-policy.ts';
import { type Failure, failure, type Outcome } from '../policy/outcome.ts';
import { askHook, givenAtOnce } from '../policy/policy-base.ts';
import type { Call, HookPolicy } from '../policy/policy.ts';
import type { LimitEstimator, LimitSample } from './algorithm.ts';
import { ConcurrencyLimitError } from './errors.ts';
import type { AdaptiveConcurrencyEvents, ConcurrencyRejectedEvent, LimitChangedEvent } from './events.ts';
import { type AdaptiveConcurrencyOptions, clamp, resolveAdaptiveOptions, type ResolvedOptions } from './options.ts';
import { SampleWindow } from './sample-window.ts';

/** An adaptive concurrency limit; see {@link adaptiveConcurrency}. */
export interface AdaptiveConcurrency extends HookPolicy<AdaptiveConcurrencyEvents, never> {
  readonly kind: 'adaptive-concurrency';
  readonly name: string;
  /** Tells when the limit moves; of a call tells its pipeline. */
  readonly events: EventChannel<AdaptiveConcurrencyEvents>;
  /** How many calls may run at once at present. */
  readonly limit: number;
  /** How many are running. */
  readonly inflight: number;
  /** How many wait. */
  readonly queued: number;
  /** The mean time of the calls of the last sample, in milliseconds; undefined before the first. */
  readonly rttMs: number | undefined;
  /** What has become of all calls that came. */
  readonly statistics: PermitStatistics;
}

/**
 * Lets as many calls run at once as the upstream takes without a queue, and finds out how many that are from how long
 * they take. Of the others a number waits, the most urgent first and in the order in which they came, and the rest is
 * refused with a ConcurrencyLimitError.
 *
 * Put retries outside: the time of a call should be that of one attempt.
 *
 * @throws ConfigurationError
 */
export function adaptiveConcurrency(options: AdaptiveConcurrencyOptions = {}): AdaptiveConcurrency {
  return new AdaptiveConcurrencyPolicy(options);
}

/** What is remembered of a call while it runs. */
class Admission {
  readonly startedAt: number;
  /** How many were running when it began, itself included. */
  readonly inflight: number;
  /** How many times its function had been started before. */
  readonly attempts: number;
  /** Runs of earlier attempts that were still going on. */
  readonly before: ReadonlySet<unknown> | undefined;

  constructor(startedAt: number, inflight: number, attempts: number, before: ReadonlySet<unknown> | undefined) {
    this.startedAt = startedAt;
    this.inflight = inflight;
    this.attempts = attempts;
    this.before = before;
  }
}

const CODES = Object.freeze({ full: 'CONCURRENCY_LIMIT', long: 'CONCURRENCY_WAIT_TIMEOUT' } as const);

class AdaptiveConcurrencyPolicy extends PermitPolicy implements AdaptiveConcurrency {
  readonly kind = 'adaptive-concurrency';
  readonly events: EventChannel<AdaptiveConcurrencyEvents> = new EventChannel();
  readonly options: ResolvedOptions;
  private readonly window: SampleWindow;
  private estimator: LimitEstimator | undefined = undefined;
  /** The limit with its fraction. */
  private exactLimit: number;
  private lastRttMs: number | undefined = undefined;

  constructor(given: AdaptiveConcurrencyOptions) {
    const options = resolveAdaptiveOptions(given);
    super('adaptive-concurrency', options, options.initialLimit);
    this.options = options;
    this.window = new SampleWindow(options.windowMs, options.minSamples, options.toleratedDropRatio);
    this.exactLimit = options.initialLimit;
  }

  get limit(): number {
    return Math.floor(this.exactLimit);
  }

  get inflight(): number {
    return this.permits.taken;
  }

  get rttMs(): number | undefined {
    return this.lastRttMs;
  }

  protected override admitted(call: Call, at: number): void {
    const before = this.untilSettled ? call.leftBehind : undefined;
    call.keep(at, new Admission(this.clock.now(), this.permits.taken, call.attempts, before));
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    const admission = call.kept(at) as Admission;
    if (call.attempts > admission.attempts) this.learn(call, admission, outcome);
    this.giveBack(call, admission.before);
    return outcome;
  }

  protected override cancelled(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    if (byCaller) this.giveBack(call, (call.kept(at) as Admission).before);
    else this.leave(call, at, outcome);
  }

  // --- the limit ---

  private learn(call: Call, { startedAt, inflight }: Admission, outcome: Outcome): void {
    if (!outcome.ok && !this.isDrop(call, outcome.error)) return;
    const now = this.clock.now();
    const sample = outcome.ok ? this.window.answer(now, now - startedAt, inflight) : this.window.drop(now, inflight);
    if (sample !== undefined) this.adjust(call, sample);
  }

  private isDrop(call: Call, error: unknown): boolean {
    const { dropIf = isOverload } = this.options;
    return askHook(dropIf, [error], false, (thrown) => call.hookFailed(this.name, 'dropIf', thrown));
  }

  private adjust(call: Call, sample: LimitSample): void {
    const { minLimit, maxLimit } = this.options;
    const from = this.limit;
    if (!Number.isNaN(sample.rttMs)) this.lastRttMs = sample.rttMs;
    this.exactLimit = clamp(this.estimate(call, sample), minLimit, maxLimit);
    if (this.limit === from) return;
    this.permits.resize(this.limit);
    this.tellChange(call, { from, to: this.limit, ...sample });
  }

  /** An algorithm that fails, or gives no number, leaves the limit as it is. */
  private estimate(call: Call, sample: LimitSample): number {
    const onError = (error: unknown): void => call.hookFailed(this.name, 'algorithm', error);
    try {
      this.estimator ??= this.options.algorithm.createEstimator(this.random);
      const estimate = givenAtOnce(this.estimator.next(this.exactLimit, sample), onError);
      if (typeof estimate === 'number' && !Number.isNaN(estimate)) return estimate;
      throw new RangeError(`the algorithm gave ${estimate} as the limit`);
    } catch (error) {
      onError(error);
      return this.exactLimit;
    }
  }

  private tellChange(call: Call, details: LimitChangedEvent): void {
    const type = 'concurrency-limit-changed';
    if (!this.events.wants(type)) return;
    const { pipeline, key, lastAttempt: attempt } = call;
    this.events.emit({ type, pipeline, policy: this.name, key, attempt, timestamp: this.clock.wallTime(), ...details });
  }

  // --- those who don't get through ---

  protected override tellQueued(call: Call): void {
    if (call.wants('concurrency-queued'))
      call.emit(this.name, 'concurrency-queued', { queued: this.queued, outcome: 'queued' });
  }

  protected override refuse(call: Call, why: PermitRefusal): Failure {
    const { limit, inflight, queued } = this;
    const code = CODES[why];
    const details: ConcurrencyRejectedEvent = { code, limit, inflight, queued, outcome: 'refused' };
    if (call.wants('concurrency-rejected')) call.emit(this.name, 'concurrency-rejected', details);
    const message =
      why === 'full'
        ? `${inflight} calls are running of ${limit} that the upstream is believed to take, and ${queued} are waiting`
        : `no call ended for this one within ${this.options.maxQueueWaitMs} ms`;
    return failure(withoutStack(() => new ConcurrencyLimitError(this.name, code, message, limit)));
  }
}
