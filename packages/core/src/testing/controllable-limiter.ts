import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { IntrusiveList } from '../structures/intrusive-list.ts';
import { PRIORITIES, type Priority, priorityLevel } from '../policy/priority.ts';
import { PromisedAdmission } from '../rate-limit/acquire.ts';
import type { RateLimitDecision } from '../rate-limit/decision.ts';
import { costTooLarge, rateLimitError, type RateLimitReason } from '../rate-limit/errors.ts';
import type {
  AcquireOptions,
  AcquireWaitOptions,
  RateLimiter,
  RateLimiterStatistics,
  WaitableLimiter,
} from '../rate-limit/limiter.ts';
import type { Waiter } from '../rate-limit/waiter.ts';

/** What a {@link ControllableLimiter} was asked. */
export interface LimiterRequest {
  /** By which method; `call` for a call of a pipeline, by the policy `rateLimit`. */
  readonly operation: 'tryAcquire' | 'check' | 'acquire' | 'call';
  readonly key: string | undefined;
  readonly cost: number;
  readonly priority: Priority;
  /** What it was told. */
  readonly decision: RateLimitDecision;
}

/** Options of a {@link ControllableLimiter}. */
export interface ControllableLimiterOptions {
  /** Its name in decisions and errors; default `rate-limit`. */
  readonly name?: string | undefined;
  /** What waits are measured with; default: the first pipeline that it is put into, otherwise the system. */
  readonly clock?: Clock | undefined;
}

/**
 * A rate limiter whose answers the test decides, and that remembers what it was asked. It lets everything through until
 * it is told otherwise. Usable wherever a `rateLimiter` is, in `rateLimit` too.
 *
 * Who waits for its turn waits until the test says {@link ControllableLimiter.admit}, with the real limiter's rules for
 * who may wait: an answer whose `retryAfterMs` is above `maxWaitMs`, or above the time that the call has left, is a
 * refusal at once.
 */
export interface ControllableLimiter extends RateLimiter {
  /** Everything that it was asked, in order. */
  readonly requests: readonly LimiterRequest[];
  /** The keys that `reset` was called with; undefined for a call without one. */
  readonly resets: readonly (string | undefined)[];
  /** Answers so from now on: `answer({ allowed: false, retryAfterMs: 500 })`. What is left out is as when it allows. */
  answer(decision: Partial<RateLimitDecision>): void;
  /** Answers so the next times, once each, before it goes back to {@link ControllableLimiter.answer}. */
  answerNext(...decisions: readonly Partial<RateLimitDecision>[]): void;
  /** Lets those through that have waited longest, at most `count` of them; returns how many there were. */
  admit(count?: number): number;
  /** Turns those away that have waited longest, at most `count` of them; returns how many there were. */
  turnAway(count?: number, reason?: RateLimitReason): number;
  /** Forgets what it was asked and what it counted; its answers stay. */
  clear(): void;
}

/** The limiter as the policy `rateLimit` knows it; tests see less of it. */
class AnsweringLimiter implements ControllableLimiter, WaitableLimiter {
  readonly name: string;
  readonly requests: LimiterRequest[] = [];
  readonly resets: (string | undefined)[] = [];
  private clock: Clock | undefined;
  private standing: RateLimitDecision;
  private lastDecision: RateLimitDecision;
  private next: Partial<RateLimitDecision>[] = [];
  private readonly queue: IntrusiveList<Waiter> = new IntrusiveList();
  private waiting = 0;
  private counts = { admitted: 0, refused: 0, queued: 0, withdrawn: 0, waitedMs: 0 };

  constructor(options: ControllableLimiterOptions = {}) {
    this.name = options.name ?? 'rate-limit';
    this.clock = options.clock;
    this.standing = this.allowed();
    this.lastDecision = this.standing;
  }

  // --- what the test says ---

  answer(decision: Partial<RateLimitDecision>): void {
    this.standing = { ...this.allowed(), ...decision };
  }

  answerNext(...decisions: readonly Partial<RateLimitDecision>[]): void {
    this.next.push(...decisions);
  }

  admit(count: number = Infinity): number {
    return this.endWaits(count, (waiter, waitedMs) => {
      this.counts.admitted++;
      waiter.admitted(this.allowed(), waitedMs);
    });
  }

  turnAway(count: number = Infinity, reason: RateLimitReason = 'wait'): number {
    return this.endWaits(count, (waiter, waitedMs) => waiter.refused(reason, this.standing.retryAfterMs, waitedMs));
  }

  clear(): void {
    this.requests.length = 0;
    this.resets.length = 0;
    this.counts = { admitted: 0, refused: 0, queued: 0, withdrawn: 0, waitedMs: 0 };
  }

  // --- what a limiter does ---

  get boundClock(): Clock | undefined {
    return this.clock;
  }

  get statistics(): RateLimiterStatistics {
    const keys = new Set(this.requests.map(({ key }) => key)).size;
    return { ...this.counts, waiting: this.waiting, keys };
  }

  adopt(clock: Clock): void {
    this.clock ??= clock;
  }

  tryAcquire(key?: string, options: AcquireOptions = {}): RateLimitDecision {
    const decision = this.decide('tryAcquire', key, options.cost ?? 1, priorityLevel(options.priority ?? 'normal'));
    if (!decision.allowed) this.counts.refused++;
    return decision;
  }

  check(key?: string, options: AcquireOptions = {}): RateLimitDecision {
    return this.decide('check', key, options.cost ?? 1, priorityLevel(options.priority ?? 'normal'));
  }

  acquire(key?: string, options: AcquireWaitOptions = {}): Promise<RateLimitDecision> {
    const { cost = 1, priority = 'normal', signal, maxWaitMs = Infinity } = options;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const level = priorityLevel(priority);
      const decision = this.decide('acquire', key, cost, level);
      if (decision.allowed) return resolve(decision);
      const waiter = new PromisedAdmission(this, { key, cost, level, signal, resolve, reject });
      const error = this.enqueue(waiter, maxWaitMs);
      if (error === undefined) waiter.listen();
      else reject(error);
    });
  }

  reset(key?: string): void {
    this.resets.push(key);
  }

  take(key: string | undefined, cost: number, level: number): RateLimitDecision {
    return this.decide('call', key, cost, level);
  }

  enqueue(waiter: Waiter, maxWaitMs: number, remainingMs: number = Infinity): Error | undefined {
    const { retryAfterMs, oversize, limitName, limitValue } = this.lastDecision;
    if (oversize) {
      this.counts.refused++;
      return costTooLarge(limitName, waiter.cost, limitValue);
    }
    if (retryAfterMs > Math.min(maxWaitMs, remainingMs))
      return this.refuse(maxWaitMs === 0 ? 'limit' : 'wait', retryAfterMs);
    waiter.queuedAt = this.now();
    this.queue.append(waiter);
    this.waiting++;
    this.counts.queued++;
    return undefined;
  }

  withdraw(waiter: Waiter): boolean {
    if (!this.queue.remove(waiter)) return false;
    this.waitEnded(waiter);
    this.counts.withdrawn++;
    return true;
  }

  refuse(reason: RateLimitReason, retryAfterMs: number): Error {
    this.counts.refused++;
    const { limitName, limitValue } = this.lastDecision;
    return rateLimitError({ limitName, limitValue, reason, retryAfterMs });
  }

  private decide(
    operation: LimiterRequest['operation'],
    key: string | undefined,
    cost: number,
    level: number,
  ): RateLimitDecision {
    const next = operation === 'check' ? this.next[0] : this.next.shift();
    const decision = next === undefined ? this.standing : { ...this.allowed(), ...next };
    const priority = PRIORITIES.find((candidate) => priorityLevel(candidate) === level)!;
    this.requests.push({ operation, key, cost, priority, decision });
    this.lastDecision = decision;
    if (decision.allowed && operation !== 'check') this.counts.admitted++;
    return decision;
  }

  private allowed(): RateLimitDecision {
    return {
      allowed: true,
      limitName: this.name,
      limitValue: Infinity,
      remaining: Infinity,
      retryAfterMs: 0,
      resetMs: 0,
      oversize: false,
      degraded: false,
      shadow: false,
    };
  }

  private endWaits(count: number, end: (waiter: Waiter, waitedMs: number) => void): number {
    let ended = 0;
    for (let waiter = this.queue.first; waiter !== undefined && ended < count; waiter = this.queue.first) {
      this.queue.remove(waiter);
      end(waiter, this.waitEnded(waiter));
      ended++;
    }
    return ended;
  }

  private waitEnded(waiter: Waiter): number {
    const waitedMs = this.now() - waiter.queuedAt;
    this.waiting--;
    this.counts.waitedMs += waitedMs;
    return waitedMs;
  }

  private now(): number {
    return (this.clock ?? systemClock).now();
  }
}

/** Makes a limiter under the test's control: `new ControllableLimiter()`. */
export const ControllableLimiter: new (options?: ControllableLimiterOptions) => ControllableLimiter = AnsweringLimiter;
