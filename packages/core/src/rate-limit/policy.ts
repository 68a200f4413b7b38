import type { Clock } from '../clock/clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import { callable, either, milliseconds, number, text, type Rules } from '../options/rules.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { type Failure, failure, type Outcome } from '../policy/outcome.ts';
import { type Call, type HookPolicy, WAIT, type Wait } from '../policy/policy.ts';
import type { RateLimitDecision } from './decision.ts';
import type { RateLimitReason } from './errors.ts';
import { type RateLimiter, rateLimiter, type WaitableLimiter } from './limiter.ts';
import type { RateLimiterOptions } from './options.ts';
import { Waiter } from './waiter.ts';

/** How a pipeline uses a limiter. */
export interface RateLimitOptions {
  /** Whose limit a call falls under: a key, or what makes one from the call's context. Default: the key of the call. */
  readonly key?: string | ((context: ExecutionContext) => string | undefined) | undefined;
  /** What a call costs: a number of at least 0, or what makes one. Default: the cost of the call, otherwise 1. */
  readonly cost?: number | ((context: ExecutionContext) => number) | undefined;
  /** How long a call may wait, in milliseconds: 0 refuses at once; default Infinity. The call's own time limit counts too. */
  readonly maxWaitMs?: number | undefined;
  /** The name of the policy in events; default: the limiter's. */
  readonly name?: string | undefined;
}

/** A call could not go on at once. */
export interface RateLimitedEvent {
  /** `queued`: it waits. `admitted`: it has waited and goes on. `refused`: it does not go on. */
  readonly outcome: 'queued' | 'admitted' | 'refused';
  readonly limitName: string;
  /** After how many milliseconds it will fit, as foreseen: 0 when it was admitted, Infinity when it never fits. */
  readonly retryAfterMs: number;
  /** How long it has waited. */
  readonly waitedMs: number;
  /** The same, where its wait has ended. */
  readonly durationMs: number | undefined;
}

/** The events that the policy tells. */
export interface RateLimitEvents {
  'rate-limited': RateLimitedEvent;
}

/** The policy: what {@link rateLimit} makes. */
export interface RateLimitPolicy extends HookPolicy<RateLimitEvents, never> {
  readonly kind: 'rate-limit';
  readonly name: string;
  /** The limiter that it asks; share it by giving it to another policy. */
  readonly limiter: RateLimiter;
}

/** What the policy does when nothing else is said. */
export const RATE_LIMIT_DEFAULTS: { readonly maxWaitMs: number } = Object.freeze({ maxWaitMs: Infinity });

const rules: Rules<RateLimitOptions> = {
  key: either(text(), callable('a function of the context')),
  cost: either(number(0, Infinity), callable('a function of the context')),
  maxWaitMs: milliseconds(0, Infinity),
  name: text(),
};

/**
 * A policy that lets calls through at the pace of a limiter; those that come too early wait for their turn, or are
 * refused with a RateLimitError when that takes longer than `maxWaitMs` or the time that the call has left.
 *
 * @param limiter A limiter, which may be shared, or the options of one of its own.
 * @throws ConfigurationError when the options can't be meant.
 */
export function rateLimit(limiter: RateLimiter | RateLimiterOptions, options?: RateLimitOptions): RateLimitPolicy {
  return new LimitingPolicy(toLimiter(limiter), options);
}

function toLimiter(value: RateLimiter | RateLimiterOptions): WaitableLimiter {
  if (typeof value !== 'object' || value === null || !('tryAcquire' in value))
    return rateLimiter(value) as WaitableLimiter;
  if (typeof (value as Partial<WaitableLimiter>).enqueue === 'function') return value as WaitableLimiter;
  const expected = 'a limiter made by rateLimiter, or the options of one';
  throw new ConfigurationError([{ path: 'rateLimit.limiter', expected, received: describe(value) }]);
}

class LimitingPolicy implements RateLimitPolicy {
  readonly kind = 'rate-limit';
  readonly name: string;
  readonly waits: boolean;
  readonly limiter: WaitableLimiter;
  readonly #key: RateLimitOptions['key'];
  readonly #cost: RateLimitOptions['cost'];
  readonly #maxWaitMs: number;

  constructor(limiter: WaitableLimiter, given: RateLimitOptions | undefined) {
    const options = resolveOptions('rateLimit', given, RATE_LIMIT_DEFAULTS, rules);
    this.limiter = limiter;
    this.name = options.name ?? limiter.name;
    this.#key = options.key;
    this.#cost = options.cost;
    this.#maxWaitMs = options.maxWaitMs;
    this.waits = options.maxWaitMs > 0;
  }

  get boundClock(): Clock | undefined {
    return this.limiter.boundClock;
  }

  adopt(clock: Clock): void {
    this.limiter.adopt(clock);
  }

  enter(call: Call, at: number): Outcome | Wait | undefined {
    const key = this.#keyOf(call);
    const cost = this.#costOf(call);
    const decision = this.limiter.take(key, cost, call.priorityLevel);
    if (decision.allowed) return undefined;
    const waiter = new WaitingCall(this, call, at, key, cost);
    const error = this.limiter.enqueue(waiter, this.#maxWaitMs, call.remainingMs(at));
    if (error !== undefined) {
      this.tell(call, 'refused', retryAfterOf(error), 0);
      return failure(error);
    }
    call.keep(at, waiter);
    this.tell(call, 'queued', decision.retryAfterMs, 0);
    return WAIT;
  }

  leave(_call: Call, _at: number, outcome: Outcome): Outcome {
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

  #keyOf(call: Call): string | undefined {
    const key = this.#key;
    if (key === undefined) return call.key;
    return typeof key === 'string' ? key : key(call.context);
  }

  #costOf(call: Call): number {
    const own = this.#cost;
    const cost = own === undefined ? (call.options?.cost ?? 1) : typeof own === 'number' ? own : own(call.context);
    if (typeof cost !== 'number' || !(cost >= 0))
      throw new RangeError(`a cost must be a number of at least 0, not ${String(cost)}`);
    return cost;
  }
}

/** A call that waits in the queue of the limiter. */
class WaitingCall extends Waiter {
  readonly #policy: LimitingPolicy;
  readonly #call: Call;
  readonly #at: number;

  constructor(policy: LimitingPolicy, call: Call, at: number, key: string | undefined, cost: number) {
    super(key, cost, call.priorityLevel);
    this.#policy = policy;
    this.#call = call;
    this.#at = at;
  }

  override admitted(_decision: RateLimitDecision, waitedMs: number): void {
    this.#call.keep(this.#at, undefined);
    this.#policy.tell(this.#call, 'admitted', 0, waitedMs);
    this.#call.resume(this.#at);
  }

  override refused(reason: RateLimitReason, retryAfterMs: number, waitedMs: number): void {
    this.#call.keep(this.#at, undefined);
    this.#policy.tell(this.#call, 'refused', retryAfterMs, waitedMs);
    this.#call.complete(this.#at, failure(this.#policy.limiter.refuse(reason, retryAfterMs, this.cost)));
  }
}

function retryAfterOf(error: Error): number {
  return (error as { readonly retryAfterMs?: number }).retryAfterMs ?? Infinity;
}
