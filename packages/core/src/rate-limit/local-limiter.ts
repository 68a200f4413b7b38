import { priorityLevel } from '../policy/priority.ts';
import { PromisedAdmission } from './acquire.ts';
import { type Cost, costAt } from './cost.ts';
import type { RateLimitDecision } from './decision.ts';
import { costTooLarge, rateLimitError } from './errors.ts';
import type { LimiterKey } from './keys/limiter-key.ts';
import { LocalLimits } from './local-limits.ts';
import { type RateLimiterOptions, resolveLimiterOptions } from './options.ts';
import { AdmissionQueue, type QueueOwner, type WaitEnding } from './queue/admission-queue.ts';
import type { AdmissionRequest, Waiter } from './queue/waiter.ts';
import type { AcquireOptions, AcquireWaitOptions, RateLimiter, Refusal, WaitableLimiter } from './rate-limiter.ts';
import { checkedWaitMs, levelOf } from './request.ts';
import type { RefusedReservation, Reservation, ReserveOptions } from './reservation.ts';
import {
  EXPIRES_MS,
  ReservationDesk,
  type ReservationObserver,
  reservationRequest,
  type ReservationRequest,
} from './reservation-desk.ts';
import type { RateLimiterStatistics } from './statistics.ts';

/**
 * Makes a rate limiter that counts in this process, exactly and at once; by GCRA unless a limit says otherwise.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function rateLimiter(options: RateLimiterOptions): RateLimiter {
  return new LocalLimiter(resolveLimiterOptions(options));
}

/** Decides about requests, at once and later: asks the limits, and keeps the queue and the reservations. */
class LocalLimiter extends LocalLimits implements WaitableLimiter, QueueOwner, ReservationObserver {
  refusedByAll = true;
  private queue: AdmissionQueue | undefined = undefined;
  private desk: ReservationDesk | undefined = undefined;

  get statistics(): RateLimiterStatistics {
    return this.counts.snapshot({
      waiting: this.queue?.size ?? 0,
      reservations: this.desk?.size ?? 0,
      keys: this.limitSet.keys,
    });
  }

  // --- at once ---

  tryAcquire(key?: LimiterKey, options?: AcquireOptions): RateLimitDecision {
    const now = this.clock.now();
    // The usual case: a cost of one, and nobody who waits or is treated apart.
    const isUsual = options === undefined && this.isPlain;
    const decision = isUsual
      ? this.limitSet.decide(key, 1, now, true)
      : this.decide(this.requestOf(key, options), now, true);
    if (decision.allowed && !decision.shadow) this.counts.admitted++;
    else this.record.refusedAtOnce(key, decision);
    return decision;
  }

  check(key?: LimiterKey, options?: AcquireOptions): RateLimitDecision {
    return this.decide(this.requestOf(key, options), this.clock.now(), false);
  }

  take(request: AdmissionRequest): RateLimitDecision {
    const decision = this.decide(request, this.clock.now(), true);
    if (decision.shadow) this.record.refusedAtOnce(request.key, decision);
    else if (decision.allowed) this.counts.admitted++;
    return decision;
  }

  // --- later ---

  acquire(key?: LimiterKey, options?: AcquireWaitOptions): Promise<RateLimitDecision> {
    return new Promise((resolve, reject) => {
      const request = this.requestOf(key, options);
      const signal = options?.signal;
      const maxWaitMs = checkedWaitMs(options?.maxWaitMs);
      signal?.throwIfAborted();
      const decision = this.take(request);
      if (decision.allowed) {
        resolve(decision);
        return;
      }
      const waiter = new PromisedAdmission(this, request, { signal, resolve, reject });
      const error = this.enqueue(waiter, maxWaitMs);
      if (error === undefined) waiter.listen();
      else reject(error);
    });
  }

  enqueue(waiter: Waiter, maxWaitMs: number, remainingMs = Infinity): Error | undefined {
    const { request } = waiter;
    const now = this.clock.now();
    const held = this.access.isOpen ? undefined : this.verdict(request.key, now);
    if (held !== undefined && held.limitName !== 'pause') {
      const { limitName, retryAfterMs } = held;
      return this.refuse({ request, reason: 'denied', retryAfterMs, waitedMs: 0, limitName });
    }
    if (this.limitSet.oversizeLimit(request.costs) !== undefined)
      return this.refuse({ request, reason: 'limit', retryAfterMs: Infinity, waitedMs: 0 });
    const queue = (this.queue ??= new AdmissionQueue(this, this.clock, this.options));
    const waitMs = Math.max(queue.predictedWaitMs(request, now), held?.retryAfterMs ?? 0);
    if (maxWaitMs === 0 || waitMs > Math.min(maxWaitMs, remainingMs))
      return this.refuse({ request, reason: maxWaitMs === 0 ? 'limit' : 'wait', retryAfterMs: waitMs, waitedMs: 0 });
    if (!queue.makeRoom(request)) return this.refuse({ request, reason: 'queue', retryAfterMs: waitMs, waitedMs: 0 });
    queue.add(waiter, maxWaitMs, now);
    this.record.queued(request.key, waitMs, queue.size);
    return undefined;
  }

  withdraw(waiter: Waiter, moment?: number): boolean {
    return this.queue?.withdraw(waiter, moment) ?? false;
  }

  refuse({ request, reason, retryAfterMs, waitedMs, limitName }: Refusal): Error {
    const { key, costs } = request;
    const large = this.limitSet.oversizeLimit(costs);
    const limit = large ?? this.limitSet.slowest(key, costs, this.clock.now());
    const name = limitName ?? limit.name;
    this.record.refused(key, { limitName: name, reason, retryAfterMs, waitedMs, shadow: false });
    if (large !== undefined)
      return costTooLarge(name, costAt(costs, this.limitSet.limits.indexOf(large)), large.meter.maxCost);
    return rateLimitError({ limitName: name, limitValue: limit.meter.limitValue, reason, retryAfterMs });
  }

  // --- at a time of one's own ---

  reserve(key?: LimiterKey, options?: ReserveOptions): Reservation | RefusedReservation {
    const now = this.clock.now();
    const request = reservationRequest(key, options, this.limitSet.names);
    const verdict = this.access.isOpen ? undefined : this.verdict(key, now);
    const behindQueueMs = now + this.waitBehindQueueMs(request, now);
    const made = this.openDesk().reserve(request, verdict, behindQueueMs, now);
    if (made.reserved) return made;
    const { limitName, retryAfterMs } = made;
    const reason = verdict === undefined ? 'wait' : 'denied';
    this.record.refused(key, { limitName, reason, retryAfterMs, waitedMs: 0, shadow: this.isShadow });
    return this.isShadow ? this.openDesk().holdFree(request, now) : made;
  }

  settle(decision: RateLimitDecision, actual: Cost): boolean {
    return this.desk?.behind(decision)?.settle(actual) ?? false;
  }

  // --- told by the queue and by reservations ---

  takeTurn(request: AdmissionRequest, nowMs: number, commit: boolean): RateLimitDecision {
    const verdict = this.access.isOpen ? undefined : this.verdict(request.key, nowMs);
    if (verdict === undefined) {
      const decision = this.ask(request, nowMs, commit);
      this.refusedByAll = this.limitSet.refusedByAll;
      return decision;
    }
    this.refusedByAll = verdict.limitName === 'pause';
    return verdict;
  }

  waitEnded({ key }: AdmissionRequest, ending: WaitEnding, waitedMs: number): void {
    this.record.waitEnded(key, ending, waitedMs);
  }

  override freed(key: LimiterKey | undefined): void {
    this.queue?.refresh({ of: key });
  }

  settled(key: LimiterKey | undefined, limitName: string, estimated: number, actual: number): void {
    this.record.settled(key, limitName, estimated, actual);
  }

  // --- inside ---

  protected override renumbered(): void {
    this.queue?.refresh();
  }

  private get isPlain(): boolean {
    const { queue } = this;
    return (queue === undefined || queue.size === 0) && this.access.isOpen && !this.isShadow;
  }

  private requestOf(key: LimiterKey | undefined, options: AcquireOptions | undefined): AdmissionRequest {
    const { cost, priority, client, settles = false } = options ?? {};
    return { key, costs: this.costsOf(cost), level: levelOf(priority), client, settles };
  }

  private decide(request: AdmissionRequest, now: number, commit: boolean): RateLimitDecision {
    const decision = this.decideStrictly(request, now, commit);
    return this.isShadow && !decision.allowed ? { ...decision, allowed: true, shadow: true } : decision;
  }

  private decideStrictly(request: AdmissionRequest, now: number, commit: boolean): RateLimitDecision {
    const verdict = this.access.isOpen ? undefined : this.verdict(request.key, now);
    if (verdict !== undefined) return verdict;
    const { queue } = this;
    if (queue === undefined || queue.size === 0) return this.ask(request, now, commit);
    if (queue.blocks(request)) return this.behindOthers(queue, request, now);
    const decision = this.ask(request, now, commit);
    if (commit && decision.allowed) queue.passed(request, now);
    return decision;
  }

  /** What is there belongs to those who wait for it. */
  private behindOthers(queue: AdmissionQueue, request: AdmissionRequest, now: number): RateLimitDecision {
    const decision = this.limitSet.decide(request.key, request.costs, now, false);
    if (decision.oversize) return decision;
    return { ...decision, allowed: false, retryAfterMs: queue.predictedWaitMs(request, now) };
  }

  private ask(request: AdmissionRequest, now: number, commit: boolean): RateLimitDecision {
    const { key, costs } = request;
    if (!commit || !request.settles) return this.limitSet.decide(key, costs, now, commit);
    const decision = this.limitSet.decide(key, costs, now, false);
    const desk = this.openDesk();
    if (!decision.allowed || desk.roomAfterMs(now) > 0)
      return decision.allowed ? this.limitSet.decide(key, costs, now, true) : decision;
    const reservation = desk.hold({ key, cost: 0, costs, maxWaitMs: 0, expiresMs: EXPIRES_MS }, now, now);
    const taken = this.limitSet.decide(key, 0, now, false);
    desk.bind(taken, reservation);
    return taken;
  }

  private openDesk(): ReservationDesk {
    return (this.desk ??= new ReservationDesk(this.limitSet, this.clock, this, this.options.maxReservations));
  }

  /** How long those need who wait already. */
  private waitBehindQueueMs({ key, costs }: ReservationRequest, now: number): number {
    const request = { key, costs, level: NORMAL, client: undefined, settles: false };
    const { queue } = this;
    return queue?.blocks(request) === true ? queue.predictedWaitMs(request, now) : 0;
  }
}

const NORMAL = priorityLevel('normal');
