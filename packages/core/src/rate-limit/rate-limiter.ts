import type { Clock } from '../clock/clock.ts';
import type { EventSource } from '../events/event.ts';
import type { HeaderSource } from '../headers/header-source.ts';
import type { Priority } from '../policy/priority.ts';
import type { Cost } from './cost.ts';
import type { RateLimitDecision } from './decision.ts';
import type { RateLimitReason } from './errors.ts';
import type { RateLimiterEvents } from './events.ts';
import type { LimiterKey } from './keys/limiter-key.ts';
import type { LimitNumbers } from './limit-options.ts';
import type { AdmissionRequest, Waiter } from './queue/waiter.ts';
import type { RefusedReservation, Reservation, ReserveOptions } from './reservation.ts';
import type { RateLimiterStatistics } from './statistics.ts';

/** What is asked of a limiter. */
export interface AcquireOptions {
  /** What the request costs: a number of at least 0, or one for each limit; default 1. */
  readonly cost?: Cost | undefined;
  /** How urgent it is; default `normal`. */
  readonly priority?: Priority | undefined;
  /** Who asks, where those who share a key are to get equal shares of it; default: the key. */
  readonly client?: string | undefined;
  /**
   * True: the cost is an estimate, and `settle` will be told what it was; default false. Until then, or for 10 minutes,
   * it counts among the limiter's reservations.
   */
  readonly settles?: boolean | undefined;
}

/** What is asked of a limiter by somebody who waits. */
export interface AcquireWaitOptions extends AcquireOptions {
  /** Ends the wait at once when aborted; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait at most, in milliseconds: 0 or more; default Infinity. A wait that can't be that short is refused at once. */
  readonly maxWaitMs?: number | undefined;
}

/** A response of the server behind the limiter: that of fetch, or anything with its status and headers. */
export interface ServerResponse {
  readonly status: number;
  readonly headers: HeaderSource;
}

/** A limit as it is at present. */
export interface CurrentLimit extends LimitNumbers {
  readonly name: string;
  readonly burst: number;
}

/** A rate limiter of this process. A value: share it among as many policies and pipelines as should share the limit. */
export interface RateLimiter {
  readonly name: string;
  readonly statistics: RateLimiterStatistics;
  /** What happens in it: see {@link RateLimiterEvents}. */
  readonly events: EventSource<RateLimiterEvents>;
  /** Its limits, as they are at present. */
  readonly limits: readonly CurrentLimit[];
  /** The clock that it counts by; undefined as long as it has neither been given one nor been used. */
  readonly boundClock: Clock | undefined;

  /**
   * Takes the cost if it fits now and nobody as urgent waits for it; says so either way, at once.
   *
   * @param key Whose limit it is: each key has the whole limit to itself. Without a key there is one for all.
   * @throws RangeError when a cost is no number of at least 0 or names no limit, the priority is none, or the key lacks
   *   a part that a limit counts by.
   */
  tryAcquire(key?: LimiterKey, options?: AcquireOptions): RateLimitDecision;
  /** What {@link RateLimiter.tryAcquire} would say; changes nothing. */
  check(key?: LimiterKey, options?: AcquireOptions): RateLimitDecision;
  /**
   * Waits for its turn and takes the cost. Turns go by priority, in equal shares between clients, and then by arrival,
   * with a floor of 2 % for the less urgent; nobody is overtaken by a newcomer of its own priority and client.
   *
   * Rejects at once with a RateLimitError when the wait would be longer than `maxWaitMs` or the queue is full, and with
   * a CostTooLargeError when the cost can never fit; with the signal's reason when it is aborted.
   */
  acquire(key?: LimiterKey, options?: AcquireWaitOptions): Promise<RateLimitDecision>;
  /**
   * Takes a place in time: now if the cost fits, otherwise at the first moment at which it does, beside everybody who
   * waits or has reserved. Two reservations never share a slot.
   *
   * @throws RangeError as {@link RateLimiter.tryAcquire} does.
   */
  reserve(key?: LimiterKey, options?: ReserveOptions): Reservation | RefusedReservation;
  /**
   * Says what a request has really cost that was let through with `settles`. What was too much is given back as far as
   * time has not done that already, what was too little is charged now, as a debt where it does not fit. False when
   * there is nothing to settle: it was settled before, was let through without `settles`, or longer than 10 minutes ago.
   */
  settle(decision: RateLimitDecision, actual: Cost): boolean;
  /**
   * Learns from a response of the server that is being spared. A refusal (429, 503, 529) that says when to come back holds
   * everybody back until then who shares the key's budget. Where the server's headers tell less left of a limit than is
   * counted here, the difference is charged: a limit is found by the server's name for it, or is the only one.
   */
  feedback(response: ServerResponse, key?: LimiterKey): void;
  /**
   * Changes the numbers of a limit at once. What was taken stays taken; who waits goes on by the new numbers.
   *
   * @param limitName Which limit; may be left out where there is one.
   * @throws ConfigurationError when the numbers can't be meant, RangeError when there is no such limit. Nothing has
   *   changed then.
   */
  update(change: Partial<LimitNumbers>, limitName?: string): void;
  /** Refuses `key` for `durationMs` milliseconds from now, above 0 and up to Infinity, whatever its limits say. */
  ban(key: LimiterKey | undefined, durationMs: number): void;
  /**
   * Charges `cost` without letting anything through, as a debt where it does not fit.
   *
   * @throws RangeError when the cost is none, or Infinity: `ban` is for that.
   */
  penalise(key: LimiterKey | undefined, cost: Cost): void;
  /** Takes `cost` off what `key` has taken, down to nothing. It may then exceed what its limits promise by so much. */
  reward(key: LimiterKey | undefined, cost: Cost): void;
  /** Forgets what `key` has taken, its ban and its pause; who waits for it goes on, and what is reserved stays so. */
  reset(key?: LimiterKey): void;
  /** Takes this clock where it has none yet; pipelines call it. */
  adopt(clock: Clock): void;
}

/**
 * What a policy asks a limiter beyond {@link RateLimiter}: to wait without a promise.
 *
 * @internal
 */
export interface WaitableLimiter extends RateLimiter {
  /** What `cost` means here. @throws RangeError when it is none. */
  costsOf(cost: Cost | undefined): AdmissionRequest['costs'];
  /** Like `tryAcquire`, but a refusal is not counted: the request may go on to wait. */
  take(request: AdmissionRequest): RateLimitDecision;
  /**
   * Lets `waiter` wait; the error when it can't.
   *
   * @param remainingMs How long it exists at all: a wait that outlasts it is not begun, and its owner withdraws it then.
   */
  enqueue(waiter: Waiter, maxWaitMs: number, remainingMs?: number): Error | undefined;
  /** Takes `waiter` out of the queue; false when it does not wait any more. */
  withdraw(waiter: Waiter): boolean;
  /** The error of a request that is refused, which is then counted. */
  refuse(refusal: Refusal): Error;
}

/**
 * A request that is refused for good.
 *
 * @internal
 */
export interface Refusal {
  readonly request: AdmissionRequest;
  readonly reason: RateLimitReason;
  readonly retryAfterMs: number;
  readonly waitedMs: number;
  /** What refused it, where that was no limit that the request waited for. */
  readonly limitName?: string | undefined;
}
