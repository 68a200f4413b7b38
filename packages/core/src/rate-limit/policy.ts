import type { Clock } from '../clock/clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import { type Failure, failure, type Outcome } from '../policy/outcome.ts';
import { type AnyEventSource, type Call, WAIT, type Wait } from '../policy/policy.ts';
import { priorityLevel } from '../policy/priority.ts';
import type { RateLimitDecision } from './decision.ts';
import type { RateLimitReason } from './errors.ts';
import { rateLimiter } from './local-limiter.ts';
import type { RateLimiterOptions } from './options.ts';
import {
  askedBy,
  RATE_LIMIT_DEFAULTS,
  type RateLimitedEvent,
  type RateLimitOptions,
  type RateLimitPolicy,
  rateLimitRules,
  type ResolvedRateLimitOptions,
  type SharedRateLimitPolicy,
} from './policy-options.ts';
import { type AdmissionRequest, Waiter } from './queue/waiter.ts';
import type { RateLimiter, WaitableLimiter } from './rate-limiter.ts';
import { SharedLimitingPolicy } from './shared/shared-policy.ts';
import type { SharedRateLimiter } from './shared/shared-rate-limiter.ts';

/**
 * A policy that lets calls through at the pace of a limiter; those that come too early wait for their turn, or are
 * refused with a RateLimitError when that takes longer than `maxWaitMs` or the time that the call has left.
 *
 * @param limiter A limiter, of this process or shared by many, or the options of one of its own. With a shared one every
 *   call waits for an answer of its store, at most its `storeTimeoutMs`.
 * @throws ConfigurationError when the options can't be meant.
 */
export function rateLimit(limiter: SharedRateLimiter, options?: RateLimitOptions): SharedRateLimitPolicy;
export function rateLimit(limiter: RateLimiter | RateLimiterOptions, options?: RateLimitOptions): RateLimitPolicy;
export function rateLimit(
  limiter: SharedRateLimiter | RateLimiter | RateLimiterOptions,
  options?: RateLimitOptions,
): SharedRateLimitPolicy | RateLimitPolicy {
  const resolved = resolveOptions('rateLimit', options, RATE_LIMIT_DEFAULTS, rateLimitRules);
  if (isShared(limiter)) {
    if (resolved.client !== undefined) throw clientsAreLocal(resolved.client);
    return new SharedLimitingPolicy(limiter, resolved);
  }
  return new LimitingPolicy(toLimiter(limiter), resolved);
}

function clientsAreLocal(client: unknown): ConfigurationError {
  const expected = 'nothing: a shared limiter shares no key out between clients';
  return new ConfigurationError([{ path: 'rateLimit.client', expected, received: describe(client) }]);
}

function isShared(limiter: unknown): limiter is SharedRateLimiter {
  return (limiter as Partial<SharedRateLimiter> | null | undefined)?.isShared === true;
}

function toLimiter(value: RateLimiter | RateLimiterOptions): WaitableLimiter {
  if (typeof value !== 'object' || value === null || !('tryAcquire' in value))
    return rateLimiter(value) as WaitableLimiter;
  if (typeof (value as Partial<WaitableLimiter>).enqueue === 'function') return value as WaitableLimiter;
  const expected = 'a limiter made by rateLimiter or sharedRateLimiter, or the options of one';
  throw new ConfigurationError([{ path: 'rateLimit.limiter', expected, received: describe(value) }]);
}

class LimitingPolicy implements RateLimitPolicy {
  readonly kind = 'rate-limit';
  readonly name: string;
  readonly waits: boolean;
  readonly limiter: WaitableLimiter;
  readonly options: RateLimitOptions;
  private readonly maxWaitMs: number;

  constructor(limiter: WaitableLimiter, options: ResolvedRateLimitOptions) {
    this.limiter = limiter;
    this.name = options.name ?? limiter.name;
    this.options = options;
    this.maxWaitMs = options.mode === 'refuse' ? 0 : options.maxWaitMs;
    this.waits = this.maxWaitMs > 0;
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

  enter(call: Call, at: number): Outcome | Wait | undefined {
    const request = this.requestOf(call);
    const decision = this.limiter.take(request);
    if (decision.allowed) {
      if (request.settles) call.keep(at, decision);
      return undefined;
    }
    const waiter = new WaitingCall(this, call, at, request);
    const error = this.limiter.enqueue(waiter, this.maxWaitMs, call.remainingMs(at));
    if (error !== undefined) {
      this.tell(call, 'refused', retryAfterOf(error), 0);
      return failure(error);
    }
    call.keep(at, waiter);
    this.tell(call, 'queued', decision.retryAfterMs, 0);
    return WAIT;
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    if (this.options.actualCost !== undefined) this.settle(call, at, outcome);
    return outcome;
  }

  cancel(call: Call, at: number, _outcome: Failure, _byCaller: boolean): void {
    const waiter = call.kept(at);
    call.keep(at, undefined);
    if (waiter instanceof WaitingCall) this.limiter.withdraw(waiter);
  }

  /** @internal Tells those who listen what became of a call. */
  tell(call: Call, outcome: RateLimitedEvent['outcome'], retryAfterMs: number, waitedMs: number): void {
    if (!call.wants('rate-limited')) return;
    const durationMs = outcome === 'queued' ? undefined : waitedMs;
    const event: RateLimitedEvent = { outcome, limitName: this.limiter.name, retryAfterMs, waitedMs, durationMs };
    call.emit(this.name, 'rate-limited', event);
  }

  private settle(call: Call, at: number, outcome: Outcome): void {
    const decision = call.kept(at) as RateLimitDecision | undefined;
    call.keep(at, undefined);
    if (decision === undefined) return;
    try {
      const actual = this.options.actualCost!(outcome);
      if (actual !== undefined) this.limiter.settle(decision, actual);
    } catch (error) {
      call.hookFailed(this.name, 'actualCost', error);
    }
  }

  private requestOf(call: Call): AdmissionRequest {
    const { key, cost, priority, client, settles } = askedBy(call, this.options);
    return {
      key,
      costs: this.limiter.costsOf(cost),
      level: priority === undefined ? call.priorityLevel : priorityLevel(priority),
      client,
      settles,
    };
  }
}

/** A call that waits in the queue of the limiter. */
class WaitingCall extends Waiter {
  private readonly policy: LimitingPolicy;
  private readonly call: Call;
  private readonly at: number;

  constructor(policy: LimitingPolicy, call: Call, at: number, request: AdmissionRequest) {
    super(request);
    this.policy = policy;
    this.call = call;
    this.at = at;
  }

  override admitted(decision: RateLimitDecision, waitedMs: number): void {
    this.call.keep(this.at, this.request.settles ? decision : undefined);
    this.policy.tell(this.call, 'admitted', 0, waitedMs);
    this.call.resume(this.at);
  }

  override refused(reason: RateLimitReason, retryAfterMs: number, waitedMs: number): void {
    const { request } = this;
    this.call.keep(this.at, undefined);
    this.policy.tell(this.call, 'refused', retryAfterMs, waitedMs);
    this.call.complete(this.at, failure(this.policy.limiter.refuse({ request, reason, retryAfterMs, waitedMs })));
  }
}

function retryAfterOf(error: Error): number {
  return (error as { readonly retryAfterMs?: number }).retryAfterMs ?? Infinity;
}
