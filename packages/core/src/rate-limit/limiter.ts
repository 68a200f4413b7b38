import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { type Priority, priorityLevel } from '../policy/priority.ts';
import { PromisedAdmission } from './acquire.ts';
import { AdmissionQueue, type QueueObserver } from './admission-queue.ts';
import type { LimitAlgorithm } from './algorithm.ts';
import type { RateLimitDecision } from './decision.ts';
import { costTooLarge, rateLimitError, type RateLimitReason } from './errors.ts';
import { Gcra } from './gcra.ts';
import { type RateLimiterOptions, resolveLimiterOptions } from './options.ts';
import type { Waiter } from './waiter.ts';

/** What is asked of a limiter. */
export interface AcquireOptions {
  /** What the request costs: a number of at least 0; default 1. */
  readonly cost?: number | undefined;
  /** How urgent it is; default `normal`. */
  readonly priority?: Priority | undefined;
}

/** What is asked of a limiter by somebody who waits. */
export interface AcquireWaitOptions extends AcquireOptions {
  /** Ends the wait at once when aborted; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait at most, in milliseconds: 0 or more; default Infinity. A wait that can't be that short is refused at once. */
  readonly maxWaitMs?: number | undefined;
}

/** What a limiter has done so far. */
export interface RateLimiterStatistics {
  /** Requests that were let through, at once or after a wait. */
  readonly admitted: number;
  /** Requests that were refused, at once or because their wait became too long. */
  readonly refused: number;
  /** Requests that had to wait. */
  readonly queued: number;
  /** Requests that were withdrawn while they waited. */
  readonly withdrawn: number;
  /** Requests that wait now. */
  readonly waiting: number;
  /** How long requests have waited together, in milliseconds, however their wait ended. */
  readonly waitedMs: number;
  /** How many keys are remembered. */
  readonly keys: number;
}

/** A rate limiter of this process. A value: share it among as many policies and pipelines as should share the limit. */
export interface RateLimiter {
  readonly name: string;
  readonly statistics: RateLimiterStatistics;
  /** The clock that it counts by; undefined as long as it has neither been given one nor been used. */
  readonly boundClock: Clock | undefined;
  /**
   * Takes the cost if it fits now and nobody as urgent waits for it; says so either way, at once.
   *
   * @param key Whose limit it is: each key has the whole limit to itself. Without a key there is one for all.
   * @throws RangeError when the cost is no number of at least 0, or the priority is none.
   */
  tryAcquire(key?: string, options?: AcquireOptions): RateLimitDecision;
  /** What {@link RateLimiter.tryAcquire} would say; changes nothing. */
  check(key?: string, options?: AcquireOptions): RateLimitDecision;
  /**
   * Waits for its turn and takes the cost. Turns go by priority and then by arrival, with a floor of 2 % for the less
   * urgent; nobody is overtaken by a newcomer of its own priority.
   *
   * Rejects at once with a RateLimitError when the wait would be longer than `maxWaitMs` or the queue is full, and with
   * a CostTooLargeError when the cost can never fit; with the signal's reason when it is aborted.
   */
  acquire(key?: string, options?: AcquireWaitOptions): Promise<RateLimitDecision>;
  /** Forgets what `key` has taken; who waits for it goes on. */
  reset(key?: string): void;
  /** Takes this clock where it has none yet; pipelines call it. */
  adopt(clock: Clock): void;
}

/**
 * What a policy asks a limiter beyond {@link RateLimiter}: to wait without a promise.
 *
 * @internal
 */
export interface WaitableLimiter extends RateLimiter {
  /** Like `tryAcquire`, but a refusal is not counted: the request may go on to wait. */
  take(key: string | undefined, cost: number, level: number): RateLimitDecision;
  /**
   * Lets `waiter` wait; the error when it can't.
   *
   * @param remainingMs How long it exists at all: a wait that outlasts it is not begun, and its owner withdraws it then.
   */
  enqueue(waiter: Waiter, maxWaitMs: number, remainingMs?: number): Error | undefined;
  /** Takes `waiter` out of the queue; false when it does not wait any more. */
  withdraw(waiter: Waiter): boolean;
  /** The error of a request that is refused, which is then counted. */
  refuse(reason: RateLimitReason, retryAfterMs: number, cost: number): Error;
}

/**
 * Makes a rate limiter that counts in this process, by GCRA: {@link RateLimiterOptions.limit} per period in the long
 * run, and a burst after a pause.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function rateLimiter(options: RateLimiterOptions): RateLimiter {
  const resolved = resolveLimiterOptions(options);
  return new LocalLimiter(resolved.name, new Gcra(resolved), resolved.maxQueue, resolved.clock);
}

/** Asks the algorithm, keeps the queue and counts what happens. */
class LocalLimiter implements WaitableLimiter, QueueObserver {
  readonly name: string;
  readonly #algorithm: LimitAlgorithm;
  readonly #maxQueue: number;
  #clock: Clock | undefined;
  #queue: AdmissionQueue | undefined = undefined;
  #admitted = 0;
  #refused = 0;
  #queued = 0;
  #withdrawn = 0;
  #waitedMs = 0;

  constructor(name: string, algorithm: LimitAlgorithm, maxQueue: number, clock: Clock | undefined) {
    this.name = name;
    this.#algorithm = algorithm;
    this.#maxQueue = maxQueue;
    this.#clock = clock;
  }

  get boundClock(): Clock | undefined {
    return this.#clock;
  }

  get statistics(): RateLimiterStatistics {
    return {
      admitted: this.#admitted,
      refused: this.#refused,
      queued: this.#queued,
      withdrawn: this.#withdrawn,
      waiting: this.#queue?.size ?? 0,
      waitedMs: this.#waitedMs,
      keys: this.#algorithm.keys,
    };
  }

  adopt(clock: Clock): void {
    this.#clock ??= clock;
  }

  tryAcquire(key?: string, options?: AcquireOptions): RateLimitDecision {
    const decision = this.#decide(key, costOf(options), levelOf(options), true);
    if (!decision.allowed) this.#refused++;
    return decision;
  }

  check(key?: string, options?: AcquireOptions): RateLimitDecision {
    return this.#decide(key, costOf(options), levelOf(options), false);
  }

  acquire(key?: string, options?: AcquireWaitOptions): Promise<RateLimitDecision> {
    return new Promise((resolve, reject) => {
      const cost = costOf(options);
      const level = levelOf(options);
      const { signal, maxWaitMs = Infinity } = options ?? {};
      if (!(maxWaitMs >= 0)) throw new RangeError(`maxWaitMs must be a number of at least 0, not ${maxWaitMs}`);
      signal?.throwIfAborted();
      const decision = this.take(key, cost, level);
      if (decision.allowed) {
        resolve(decision);
        return;
      }
      const waiter = new PromisedAdmission(this, { key, cost, level, signal, resolve, reject });
      const error = this.enqueue(waiter, maxWaitMs);
      if (error === undefined) waiter.listen();
      else reject(error);
    });
  }

  reset(key?: string): void {
    this.#algorithm.forget(key);
    this.#queue?.refresh(key);
  }

  take(key: string | undefined, cost: number, level: number): RateLimitDecision {
    return this.#decide(key, cost, level, true);
  }

  enqueue(waiter: Waiter, maxWaitMs: number, remainingMs = Infinity): Error | undefined {
    const { key, cost, level } = waiter;
    if (cost > this.#algorithm.maxCost) return this.refuse('limit', Infinity, cost);
    const now = this.#time().now();
    const queue = (this.#queue ??= new AdmissionQueue(this.#algorithm, this.#time(), this));
    const waitMs = queue.predictedWaitMs(key, cost, level, now);
    if (waitMs > Math.min(maxWaitMs, remainingMs)) return this.refuse(maxWaitMs === 0 ? 'limit' : 'wait', waitMs, cost);
    if (queue.size >= this.#maxQueue) return this.refuse('queue', waitMs, cost);
    this.#queued++;
    queue.add(waiter, maxWaitMs, now);
    return undefined;
  }

  withdraw(waiter: Waiter): boolean {
    return this.#queue?.withdraw(waiter) ?? false;
  }

  refuse(reason: RateLimitReason, retryAfterMs: number, cost: number): Error {
    this.#refused++;
    const { maxCost, limitValue } = this.#algorithm;
    if (cost > maxCost) return costTooLarge(this.name, cost, maxCost);
    return rateLimitError({ limitName: this.name, limitValue, reason, retryAfterMs });
  }

  waitEnded(ending: 'admitted' | 'expired' | 'withdrawn', waitedMs: number): void {
    this.#waitedMs += waitedMs;
    if (ending === 'admitted') this.#admitted++;
    else if (ending === 'withdrawn') this.#withdrawn++;
  }

  /** Times of different clocks don't compare, so the first use binds to one. */
  #time(): Clock {
    return (this.#clock ??= systemClock);
  }

  #decide(key: string | undefined, cost: number, level: number, commit: boolean): RateLimitDecision {
    const now = this.#time().now();
    const queue = this.#queue;
    if (queue === undefined || queue.size === 0) {
      const decision = this.#algorithm.decide(key, cost, now, commit);
      if (commit && decision.allowed) this.#admitted++;
      return decision;
    }
    if (queue.blocks(key, level)) return this.#behindOthers(queue, key, cost, level, now);
    const decision = this.#algorithm.decide(key, cost, now, commit);
    if (commit && decision.allowed) {
      this.#admitted++;
      queue.passed(key, level);
    }
    return decision;
  }

  /** What is there belongs to those who wait for it. */
  #behindOthers(
    queue: AdmissionQueue,
    key: string | undefined,
    cost: number,
    level: number,
    now: number,
  ): RateLimitDecision {
    const decision = this.#algorithm.decide(key, cost, now, false);
    if (decision.oversize) return decision;
    return { ...decision, allowed: false, retryAfterMs: queue.predictedWaitMs(key, cost, level, now) };
  }
}

function costOf(options: AcquireOptions | undefined): number {
  const cost = options?.cost;
  if (cost === undefined) return 1;
  if (typeof cost === 'number' && cost >= 0) return cost;
  throw new RangeError(`a cost must be a number of at least 0, not ${String(cost)}`);
}

const NORMAL = priorityLevel('normal');

function levelOf(options: AcquireOptions | undefined): number {
  const priority = options?.priority;
  if (priority === undefined) return NORMAL;
  const level = priorityLevel(priority) as number | undefined;
  if (level === undefined) throw new RangeError(`not a priority: ${priority}`);
  return level;
}
