import type { Clock } from '../clock/clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import type { AnyEventSource } from '../policy/policy.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import { anything, callable, either, milliseconds, oneOf, type Rule, text, type Rules } from '../options/rules.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { type Failure, failure, type Outcome } from '../policy/outcome.ts';
import { type Call, type HookPolicy, WAIT, type Wait } from '../policy/policy.ts';
import { PRIORITIES, type Priority, priorityLevel } from '../policy/priority.ts';
import type { Cost } from './cost.ts';
import type { RateLimitDecision } from './decision.ts';
import type { RateLimitReason } from './errors.ts';
import type { RateLimiterEvents } from './events.ts';
import type { LimiterKey } from './keys/limiter-key.ts';
import { rateLimiter } from './local-limiter.ts';
import type { RateLimiterOptions } from './options.ts';
import { type AdmissionRequest, Waiter } from './queue/waiter.ts';
import type { RateLimiter, WaitableLimiter } from './rate-limiter.ts';

/** How a pipeline uses a limiter. */
export interface RateLimitOptions {
  /** Whose limit a call falls under: a key, or what makes one from the call's context. Default: the key of the call. */
  readonly key?: LimiterKey | ((context: ExecutionContext) => LimiterKey | undefined) | undefined;
  /** What a call costs: a number of at least 0, one for each limit, or what makes it. Default: the cost of the call, otherwise 1. */
  readonly cost?: Cost | ((context: ExecutionContext) => Cost) | undefined;
  /** How urgent a call is, or what tells. Default: the priority of the call. */
  readonly priority?: Priority | ((context: ExecutionContext) => Priority) | undefined;
  /** Who asks, where those who share a key are to get equal shares of it; or what tells. Default: the key. */
  readonly client?: string | ((context: ExecutionContext) => string | undefined) | undefined;
  /** What becomes of a call that comes too early: with `wait` it waits for its turn, with `refuse` it is refused at once; default `wait`. */
  readonly mode?: 'wait' | 'refuse' | undefined;
  /** How long a call may wait, in milliseconds: 0 refuses at once; default Infinity. The call's own time limit counts too. */
  readonly maxWaitMs?: number | undefined;
  /**
   * What a call has really cost, from how it ended; undefined where that is not known. Until then its cost is an
   * estimate: what was too much is given back, what was too little is charged afterwards. If it throws, the estimate
   * stays.
   */
  readonly actualCost?: ((outcome: Outcome) => Cost | undefined) | undefined;
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
export interface RateLimitPolicy extends HookPolicy<RateLimitEvents & RateLimiterEvents, never> {
  readonly kind: 'rate-limit';
  readonly name: string;
  /** The limiter that it asks; share it by giving it to another policy. */
  readonly limiter: RateLimiter;
}

/** What the policy does when nothing else is said. */
export const RATE_LIMIT_DEFAULTS: { readonly maxWaitMs: number; readonly mode: 'wait' } = Object.freeze({
  maxWaitMs: Infinity,
  mode: 'wait',
});

const ofContext = 'a function of the context';
const costs: Rule<Cost> = {
  expected: 'a number of at least 0, or one for each limit',
  accepts: (value): value is Cost =>
    typeof value === 'number' ? value >= 0 : typeof value === 'object' && value !== null && !Array.isArray(value),
};

const rules: Rules<RateLimitOptions> = {
  key: either(either(text(), anything<Readonly<Record<string, string>>>()), callable(ofContext)),
  cost: either(costs, callable(ofContext)),
  priority: either(oneOf(...PRIORITIES), callable(ofContext)),
  client: either(text(), callable(ofContext)),
  mode: oneOf('wait', 'refuse'),
  maxWaitMs: milliseconds(0, Infinity),
  actualCost: callable('a function of the outcome'),
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
  readonly options: RateLimitOptions;
  private readonly maxWaitMs: number;

  constructor(limiter: WaitableLimiter, given: RateLimitOptions | undefined) {
    const options = resolveOptions('rateLimit', given, RATE_LIMIT_DEFAULTS, rules);
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
    const { key, cost, priority, client, actualCost } = this.options;
    const ownCost = typeof cost === 'function' ? cost(call.context) : cost;
    const ownPriority = typeof priority === 'function' ? priority(call.context) : priority;
    return {
      key: key === undefined ? call.key : typeof key === 'function' ? key(call.context) : key,
      costs: this.limiter.costsOf(ownCost ?? call.options?.cost),
      level: ownPriority === undefined ? call.priorityLevel : priorityLevel(ownPriority),
      client: typeof client === 'function' ? client(call.context) : client,
      settles: actualCost !== undefined,
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
