import type { Clock } from '../../clock/clock.ts';
import type { AnyEventSource, Call, Wait } from '../../policy/policy.ts';
import { WAIT } from '../../policy/policy.ts';
import { type Failure, failure, type Outcome } from '../../policy/outcome.ts';
import { priorityOf } from '../../policy/priority.ts';
import type { RateLimitDecision } from '../decision.ts';
import { CostTooLargeError, RateLimitError } from '../errors.ts';
import {
  askedBy,
  type RateLimitedEvent,
  type RateLimitOptions,
  type ResolvedRateLimitOptions,
  type SharedRateLimitPolicy,
} from '../policy-options.ts';
import type { SharedRateLimiter } from './shared-rate-limiter.ts';

/** Every answer of a shared limiter comes later: a call waits for it, as it would for its turn. */
export class SharedLimitingPolicy implements SharedRateLimitPolicy {
  readonly kind = 'rate-limit';
  readonly name: string;
  readonly waits = true;
  readonly limiter: SharedRateLimiter;
  readonly options: RateLimitOptions;
  private readonly maxWaitMs: number;

  constructor(limiter: SharedRateLimiter, options: ResolvedRateLimitOptions) {
    this.limiter = limiter;
    this.name = options.name ?? limiter.name;
    this.options = options;
    this.maxWaitMs = options.mode === 'refuse' ? 0 : options.maxWaitMs;
  }

  get events(): AnyEventSource {
    return this.limiter.events;
  }

  get boundClock(): Clock | undefined {
    return this.limiter.boundClock;
  }

  adopt(clock: Clock): void {
    this.limiter.adopt(clock);
  }

  enter(call: Call, at: number): Wait {
    const { key, priority, cost, settles } = askedBy(call, this.options);
    const abort = new AbortController();
    call.keep(at, abort);
    const maxWaitMs = Math.min(this.maxWaitMs, call.remainingMs(at));
    const wait = {
      cost,
      settles,
      priority: priority ?? priorityOf(call.priorityLevel),
      signal: abort.signal,
      maxWaitMs,
    };
    this.limiter.acquire(key, wait).then(
      (decision) => {
        if (abort.signal.aborted) return;
        call.keep(at, settles ? decision : undefined);
        call.resume(at);
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        call.keep(at, undefined);
        this.tellRefused(call, error);
        call.complete(at, failure(error));
      },
    );
    return WAIT;
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    const { actualCost } = this.options;
    const decision = call.kept(at) as RateLimitDecision | undefined;
    if (actualCost === undefined || decision === undefined) return outcome;
    call.keep(at, undefined);
    try {
      const actual = actualCost(outcome);
      // Where the store is away the estimate stays; `limit-store` has told that it is.
      if (actual !== undefined) this.limiter.settle(decision, actual).catch(() => undefined);
    } catch (error) {
      call.hookFailed(this.name, 'actualCost', error);
    }
    return outcome;
  }

  cancel(call: Call, at: number, _outcome: Failure, _byCaller: boolean): void {
    const abort = call.kept(at);
    call.keep(at, undefined);
    if (abort instanceof AbortController) abort.abort();
  }

  private tellRefused(call: Call, error: unknown): void {
    if (!call.wants('rate-limited') || !(error instanceof RateLimitError || error instanceof CostTooLargeError)) return;
    const retryAfterMs = error.retryAfterMs ?? Infinity;
    const event: RateLimitedEvent = {
      outcome: 'refused',
      limitName: this.limiter.name,
      retryAfterMs,
      waitedMs: 0,
      durationMs: 0,
    };
    call.emit(this.name, 'rate-limited', event);
  }
}
