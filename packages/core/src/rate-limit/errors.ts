import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';
import { withoutStack } from '../errors/rejection.ts';

/**
 * Why a request was refused: `limit` (the limit is reached, and nothing was to be waited for), `wait` (the wait would
 * be longer than allowed), `queue` (too many wait already), `dropped` (it has waited, and made room for another),
 * `denied` (its key is banned or on the list of those that are kept out), `store` (the store of a shared limiter is away,
 * and `onStoreError` is `closed`: only in events).
 */
export type RateLimitReason = 'limit' | 'wait' | 'queue' | 'dropped' | 'denied' | 'store';

/** What a {@link RateLimitError} knows. */
export interface RateLimitFacts {
  readonly limitName: string;
  readonly limitValue: number;
  readonly reason: RateLimitReason;
  readonly retryAfterMs: number;
}

/**
 * A limiter refused a request. Code `RATE_LIMITED`, category `rate_limit`; `retryAfterMs` says when it would fit.
 * It has no stack unless `captureRejectionStacks(true)` was called.
 */
export class RateLimitError extends BreakwaterError {
  readonly limitName: string;
  readonly reason: RateLimitReason;

  constructor(facts: RateLimitFacts) {
    const again = facts.retryAfterMs === Infinity ? '' : `; try again in ${Math.ceil(facts.retryAfterMs)} ms`;
    super(`${SENTENCES[facts.reason](facts.limitName)}${again}`, {
      code: 'RATE_LIMITED',
      category: 'rate_limit',
      policy: facts.limitName,
      retryAfterMs: facts.retryAfterMs === Infinity ? undefined : facts.retryAfterMs,
      details: { limit: facts.limitName, limitValue: facts.limitValue, reason: facts.reason },
    });
    this.limitName = facts.limitName;
    this.reason = facts.reason;
  }
}
nameError(RateLimitError, 'RateLimitError');

const SENTENCES: Readonly<Record<RateLimitReason, (name: string) => string>> = {
  limit: (name) => `the limit ${name} is reached`,
  wait: (name) => `the limit ${name} is reached, and the wait would be longer than allowed`,
  queue: (name) => `the limit ${name} is reached, and its queue is full`,
  dropped: (name) => `the limit ${name} is reached, and its queue has dropped the request for another`,
  denied: (name) => `the key is refused by ${name}`,
  store: (name) => `the ${name} is away`,
};

/**
 * A request costs more than the limiter ever lets through at once: no wait will make it fit, so split it or raise the
 * burst. Code `COST_TOO_LARGE`, category `rate_limit`; it has no `retryAfterMs`.
 */
export class CostTooLargeError extends BreakwaterError {
  readonly cost: number;
  readonly maxCost: number;

  constructor(limitName: string, cost: number, maxCost: number) {
    super(`a cost of ${cost} is above the burst of ${maxCost} of the limit ${limitName}, so that it never fits`, {
      code: 'COST_TOO_LARGE',
      category: 'rate_limit',
      policy: limitName,
      details: { limit: limitName, cost, maxCost },
    });
    this.cost = cost;
    this.maxCost = maxCost;
  }
}
nameError(CostTooLargeError, 'CostTooLargeError');

/** @internal A {@link RateLimitError} at the price of a rejection. */
export function rateLimitError(facts: RateLimitFacts): RateLimitError {
  return withoutStack(() => new RateLimitError(facts));
}

/** @internal A {@link CostTooLargeError} at the price of a rejection. */
export function costTooLarge(limitName: string, cost: number, maxCost: number): CostTooLargeError {
  return withoutStack(() => new CostTooLargeError(limitName, cost, maxCost));
}
