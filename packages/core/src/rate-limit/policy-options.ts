/** How a pipeline uses a limiter: options, events, and what a call asks by them. */
import type { Resolved } from '../options/resolve.ts';
import { anything, callable, either, milliseconds, oneOf, type Rule, text, type Rules } from '../options/rules.ts';
import type { ExecutionContext } from '../policy/context.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { Call, HookPolicy } from '../policy/policy.ts';
import { PRIORITIES, type Priority } from '../policy/priority.ts';
import type { Cost } from './cost.ts';
import type { RateLimiterEvents } from './events.ts';
import type { LimiterKey } from './keys/limiter-key.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { SharedRateLimiter } from './shared/shared-rate-limiter.ts';

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

/** The policy: what `rateLimit` makes. */
export interface RateLimitPolicy extends HookPolicy<RateLimitEvents & RateLimiterEvents, never> {
  readonly kind: 'rate-limit';
  readonly name: string;
  /** The limiter that it asks; share it by giving it to another policy. */
  readonly limiter: RateLimiter;
}

/** The policy with a shared limiter: what `rateLimit` makes of one. Of `rate-limited` it tells refusals; who waits is told by the limiter. */
export interface SharedRateLimitPolicy extends HookPolicy<RateLimitEvents & RateLimiterEvents, never> {
  readonly kind: 'rate-limit';
  readonly name: string;
  /** The limiter that it asks; share it by giving it to another policy. */
  readonly limiter: SharedRateLimiter;
}

/** What the policy does when nothing else is said. */
export const RATE_LIMIT_DEFAULTS: { readonly maxWaitMs: number; readonly mode: 'wait' } = Object.freeze({
  maxWaitMs: Infinity,
  mode: 'wait',
});

/** Options of the policy, complete. */
export type ResolvedRateLimitOptions = Resolved<RateLimitOptions, typeof RATE_LIMIT_DEFAULTS>;

const ofContext = 'a function of the context';
const costs: Rule<Cost> = {
  expected: 'a number of at least 0, or one for each limit',
  accepts: (value): value is Cost =>
    typeof value === 'number' ? value >= 0 : typeof value === 'object' && value !== null && !Array.isArray(value),
};

export const rateLimitRules: Rules<RateLimitOptions> = {
  key: either(either(text(), anything<Readonly<Record<string, string>>>()), callable(ofContext)),
  cost: either(costs, callable(ofContext)),
  priority: either(oneOf(...PRIORITIES), callable(ofContext)),
  client: either(text(), callable(ofContext)),
  mode: oneOf('wait', 'refuse'),
  maxWaitMs: milliseconds(0, Infinity),
  actualCost: callable('a function of the outcome'),
  name: text(),
};

/** What a call asks of its limiter. */
export interface Asked {
  readonly key: LimiterKey | undefined;
  readonly cost: Cost | undefined;
  /** Undefined: that of the call. */
  readonly priority: Priority | undefined;
  readonly client: string | undefined;
  readonly settles: boolean;
}

export function askedBy(call: Call, { key, cost, priority, client, actualCost }: RateLimitOptions): Asked {
  const ownCost = typeof cost === 'function' ? cost(call.context) : cost;
  return {
    key: key === undefined ? call.key : typeof key === 'function' ? key(call.context) : key,
    cost: ownCost ?? call.options?.cost,
    priority: typeof priority === 'function' ? priority(call.context) : priority,
    client: typeof client === 'function' ? client(call.context) : client,
    settles: actualCost !== undefined,
  };
}
