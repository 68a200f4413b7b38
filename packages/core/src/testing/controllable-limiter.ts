import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { EventChannel } from '../events/channel.ts';
import { PRIORITIES, priorityLevel } from '../policy/priority.ts';
import { PromisedAdmission } from '../rate-limit/acquire.ts';
import type { Cost, Costs } from '../rate-limit/cost.ts';
import type { RateLimitDecision } from '../rate-limit/decision.ts';
import { costTooLarge, rateLimitError, type RateLimitReason } from '../rate-limit/errors.ts';
import type { RateLimiterEvents } from '../rate-limit/events.ts';
import type { LimiterKey } from '../rate-limit/keys/limiter-key.ts';
import type { LimitNumbers } from '../rate-limit/limit-options.ts';
import type { AdmissionRequest, Waiter } from '../rate-limit/queue/waiter.ts';
import type {
  AcquireOptions,
  AcquireWaitOptions,
  CurrentLimit,
  RateLimiter,
  Refusal,
  ServerResponse,
  WaitableLimiter,
} from '../rate-limit/rate-limiter.ts';
import {
  HeldReservation,
  type RefusedReservation,
  type Reservation,
  type ReservationHolder,
  type ReserveOptions,
} from '../rate-limit/reservation.ts';
import { LimiterCounts, type RateLimiterStatistics } from '../rate-limit/statistics.ts';
import { IntrusiveList } from '../structures/intrusive-list.ts';
import type {
  ControllableLimiterOptions,
  LimiterCommand,
  LimiterControls,
  LimiterRequest,
} from './limiter-controls.ts';

/**
 * A rate limiter whose answers the test decides, and that remembers what it was asked. It lets everything through until
 * it is told otherwise. Usable wherever a `rateLimiter` is, in `rateLimit` too.
 *
 * Who waits for its turn waits until the test says {@link LimiterControls.admit}, with the real limiter's rules for
 * who may wait: an answer whose `retryAfterMs` is above `maxWaitMs`, or above the time that the call has left, is a
 * refusal at once.
 */
export interface ControllableLimiter extends RateLimiter, LimiterControls {}

/** The limiter as the policy `rateLimit` knows it; tests see less of it. */
class AnsweringLimiter implements ControllableLimiter, WaitableLimiter, ReservationHolder {
  readonly name: string;
  readonly events: EventChannel<RateLimiterEvents> = new EventChannel();
  readonly limits: readonly CurrentLimit[] = [];
  readonly requests: LimiterRequest[] = [];
  readonly commands: LimiterCommand[] = [];
  private clock: Clock | undefined;
  private standing: RateLimitDecision;
  private lastDecision: RateLimitDecision;
  private next: Partial<RateLimitDecision>[] = [];
  private readonly queue: IntrusiveList<Waiter> = new IntrusiveList();
  private waiting = 0;
  private counts: LimiterCounts = new LimiterCounts();

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
      this.counts.waitEnded('admitted', waitedMs);
      waiter.admitted(this.allowed(), waitedMs);
    });
  }

  turnAway(count: number = Infinity, reason: RateLimitReason = 'wait'): number {
    return this.endWaits(count, (waiter, waitedMs) => {
      this.counts.waitEnded('expired', waitedMs);
      waiter.refused(reason, this.standing.retryAfterMs, waitedMs);
    });
  }

  clear(): void {
    this.requests.length = 0;
    this.commands.length = 0;
    this.counts = new LimiterCounts();
  }

  // --- what a limiter does ---

  get boundClock(): Clock | undefined {
    return this.clock;
  }

  get statistics(): RateLimiterStatistics {
    const keys = new Set(this.requests.map(({ key }) => JSON.stringify(key))).size;
    return this.counts.snapshot({ waiting: this.waiting, reservations: 0, keys });
  }

  adopt(clock: Clock): void {
    this.clock ??= clock;
  }

  costsOf(cost: Cost | undefined): Costs {
    return typeof cost === 'object' ? Object.values(cost) : (cost ?? 1);
  }

  tryAcquire(key?: LimiterKey, options?: AcquireOptions): RateLimitDecision {
    const decision = this.decide('tryAcquire', this.requestOf(key, options));
    if (!decision.allowed) this.counts.countRefusal(decision.limitName);
    return decision;
  }

  check(key?: LimiterKey, options?: AcquireOptions): RateLimitDecision {
    return this.decide('check', this.requestOf(key, options));
  }

  acquire(key?: LimiterKey, options: AcquireWaitOptions = {}): Promise<RateLimitDecision> {
    const { signal, maxWaitMs = Infinity } = options;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const request = this.requestOf(key, options);
      const decision = this.decide('acquire', request);
      if (decision.allowed) return resolve(decision);
      const waiter = new PromisedAdmission(this, request, { signal, resolve, reject });
      const error = this.enqueue(waiter, maxWaitMs);
      if (error === undefined) waiter.listen();
      else reject(error);
    });
  }

  reserve(key?: LimiterKey, options: ReserveOptions = {}): Reservation | RefusedReservation {
    const { cost = 1, maxWaitMs = Infinity, expiresMs = Infinity } = options;
    const request = this.requestOf(key, { cost });
    const { allowed, limitName, retryAfterMs, oversize } = this.decide('reserve', request);
    if (!allowed && (oversize || retryAfterMs > maxWaitMs)) {
      this.counts.countRefusal(limitName);
      return { reserved: false, limitName, retryAfterMs, oversize };
    }
    const reservation = new HeldReservation(this, { key, cost, costs: request.costs, expiresMs });
    reservation.place(this.now() + retryAfterMs, this.now(), []);
    return reservation;
  }

  take(request: AdmissionRequest): RateLimitDecision {
    return this.decide('call', request);
  }

  enqueue(waiter: Waiter, maxWaitMs: number, remainingMs: number = Infinity): Error | undefined {
    const { retryAfterMs, oversize } = this.lastDecision;
    if (oversize || retryAfterMs > Math.min(maxWaitMs, remainingMs)) {
      const reason = maxWaitMs === 0 ? 'limit' : 'wait';
      return this.refuse({ request: waiter.request, reason, retryAfterMs, waitedMs: 0 });
    }
    waiter.queuedAt = this.now();
    this.queue.append(waiter);
    this.waiting++;
    this.counts.queued++;
    return undefined;
  }

  withdraw(waiter: Waiter): boolean {
    if (!this.queue.remove(waiter)) return false;
    this.waiting--;
    this.counts.waitEnded('withdrawn', this.now() - waiter.queuedAt);
    return true;
  }

  refuse({ request, reason, retryAfterMs }: Refusal): Error {
    const { limitName, limitValue, oversize } = this.lastDecision;
    this.counts.countRefusal(limitName);
    const cost = typeof request.costs === 'number' ? request.costs : Math.max(...request.costs);
    if (oversize) return costTooLarge(limitName, cost, limitValue);
    return rateLimitError({ limitName, limitValue, reason, retryAfterMs });
  }

  // --- what a limiter is told, and this one only remembers ---

  settle(_decision: RateLimitDecision, actual: Cost): boolean {
    return this.note('settle', undefined, actual);
  }

  feedback(response: ServerResponse, key?: LimiterKey): void {
    this.note('feedback', key, response);
  }

  update(change: Partial<LimitNumbers>): void {
    this.note('update', undefined, change);
  }

  ban(key: LimiterKey | undefined, durationMs: number): void {
    this.note('ban', key, durationMs);
  }

  penalise(key: LimiterKey | undefined, cost: Cost): void {
    this.note('penalise', key, cost);
  }

  reward(key: LimiterKey | undefined, cost: Cost): void {
    this.note('reward', key, cost);
  }

  reset(key?: LimiterKey): void {
    this.note('reset', key);
  }

  // --- what its reservations tell it ---

  get reservationClock(): Clock {
    return this.clock ?? systemClock;
  }

  giveUp({ key }: HeldReservation): void {
    this.note('cancel', key);
  }

  letGo({ key }: HeldReservation): void {
    this.note('commit', key);
  }

  settleHeld({ key }: HeldReservation, actual: Cost): void {
    this.note('settle', key, actual);
  }

  move(reservation: HeldReservation, fromMs: number): boolean {
    this.note('delayBy', reservation.key, fromMs - reservation.executeAt);
    reservation.place(fromMs, this.now(), []);
    return true;
  }

  private note(command: LimiterCommand['command'], key: LimiterKey | undefined, value?: unknown): boolean {
    this.commands.push(value === undefined ? { command, key } : { command, key, value });
    return true;
  }

  private requestOf(key: LimiterKey | undefined, options: AcquireOptions = {}): AdmissionRequest {
    const { cost, priority = 'normal', client, settles = false } = options;
    return { key, costs: this.costsOf(cost), level: priorityLevel(priority), client, settles };
  }

  private decide(operation: LimiterRequest['operation'], request: AdmissionRequest): RateLimitDecision {
    const { key, costs: cost, level } = request;
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
      this.waiting--;
      end(waiter, this.now() - waiter.queuedAt);
      ended++;
    }
    return ended;
  }

  private now(): number {
    return (this.clock ?? systemClock).now();
  }
}

/** Makes a limiter under the test's control: `new ControllableLimiter()`. */
export const ControllableLimiter: new (options?: ControllableLimiterOptions) => ControllableLimiter = AnsweringLimiter;
