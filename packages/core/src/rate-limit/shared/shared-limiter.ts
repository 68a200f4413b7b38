import type { Clock } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import type { EventSource } from '../../events/event.ts';
import { Access } from '../access.ts';
import { type Cost, costAt, resolveCost } from '../cost.ts';
import type { RateLimitDecision } from '../decision.ts';
import type { RateLimiterEvents } from '../events.ts';
import { pauseMs, quotasLeft } from '../feedback.ts';
import { type LimiterKey, wholeKey } from '../keys/limiter-key.ts';
import { LimiterRecord } from '../limiter-record.ts';
import { changedLimit, type LimitNumbers } from '../limit-options.ts';
import type { AcquireOptions, AcquireWaitOptions, CurrentLimit, RateLimiter, ServerResponse } from '../rate-limiter.ts';
import { checkBan, checkedWaitMs, indexOfLimit, levelOf } from '../request.ts';
import type { RefusedReservation, ReserveOptions } from '../reservation.ts';
import { EXPIRES_MS, reservationRequest } from '../reservation-desk.ts';
import { Acquisitions } from './acquisition.ts';
import { decisionOf, oversize } from './answers.ts';
import { SharedCore } from './core.ts';
import { LimitStoreError } from './errors.ts';
import type { LimitQuestion, LimitStore } from './limit-store.ts';
import { type ResolvedSharedOptions, resolveSharedOptions, type SharedRateLimiterOptions } from './options.ts';
import { Questions } from './questions.ts';
import { SharedDesk, tellSettled } from './shared-desk.ts';
import type { SharedLimiterStatistics, SharedRateLimiter, SharedReservation } from './shared-rate-limiter.ts';
import { StoredReservation } from './shared-reservation.ts';
import type { LimitStoreState } from './store-link.ts';

/**
 * Makes a rate limiter whose counts stand in a store that many processes share.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function sharedRateLimiter(options: SharedRateLimiterOptions): SharedRateLimiter {
  return new SharedLimiter(resolveSharedOptions(options));
}

/** A request, understood. */
interface SharedRequest {
  readonly key: LimiterKey | undefined;
  readonly question: LimitQuestion;
  readonly level: number;
  readonly settles: boolean;
}

/** What a decision was made of that may be settled. */
interface Estimate {
  readonly key: LimiterKey | undefined;
  readonly question: LimitQuestion;
  /** Where it stands in the store; undefined for one that was taken from a lease. */
  readonly reservation: StoredReservation | undefined;
}

class SharedLimiter implements SharedRateLimiter {
  readonly name: string;
  readonly isShared = true;
  private readonly options: ResolvedSharedOptions;
  private readonly access: Access;
  private readonly questions: Questions;
  private readonly record: LimiterRecord;
  private readonly estimates: WeakMap<RateLimitDecision, Estimate> = new WeakMap();
  private ownClock: Clock | undefined;
  private ownCore: SharedCore | undefined = undefined;
  private ownDesk: SharedDesk | undefined = undefined;
  private ownAcquisitions: Acquisitions | undefined = undefined;
  private degraded = 0;
  /** Whether leases are all that a request for a plain key can be about. */
  private readonly isSimplyLeased: boolean;

  constructor(options: ResolvedSharedOptions) {
    this.name = options.name;
    this.options = options;
    this.ownClock = options.clock;
    this.access = new Access(options.allow, options.deny, 1);
    this.questions = new Questions(options.limits);
    this.isSimplyLeased =
      options.leased && this.access.isOpen && options.limits.length === 1 && options.limits[0]!.per === undefined;
    this.record = new LimiterRecord(this.name, () => this.core.clock);
  }

  get events(): EventSource<RateLimiterEvents> {
    return this.record.events;
  }

  get boundClock(): Clock | undefined {
    return this.ownClock;
  }

  get limits(): readonly CurrentLimit[] {
    return this.questions.limits.map(({ name, limit, periodMs, burst }) => ({ name, limit, periodMs, burst }));
  }

  get storeState(): LimitStoreState {
    return this.ownCore?.link.state ?? 'up';
  }

  get statistics(): SharedLimiterStatistics {
    const core = this.ownCore;
    const waiting = (core?.room.size ?? 0) + (core?.without.waiting ?? 0);
    const { keys, evictedKeys, reservations, ...counts } = this.record.counts.snapshot({
      waiting,
      reservations: 0,
      keys: 0,
    });
    const { calls: storeCalls = 0, failures: storeFailures = 0 } = core?.link ?? {};
    return { ...counts, storeCalls, storeFailures, degraded: this.degraded, leased: core?.leases?.held ?? 0 };
  }

  adopt(clock: Clock): void {
    this.ownClock ??= clock;
  }

  // --- at once ---

  tryAcquire(key?: LimiterKey, options?: AcquireOptions): Promise<RateLimitDecision> {
    // The usual case of leases: nothing to ask, nothing to wait for.
    if (options === undefined && this.isSimplyLeased && typeof key !== 'object') {
      const decision = this.ownCore?.leases?.takeOne(key);
      if (decision !== undefined) {
        this.record.counts.admitted++;
        return Promise.resolve(decision);
      }
    }
    return this.decideAndCount(key, options);
  }

  check(key?: LimiterKey, options?: AcquireOptions): Promise<RateLimitDecision> {
    return this.decide(this.requestOf(key, options), options, false);
  }

  // --- later ---

  async acquire(key?: LimiterKey, options: AcquireWaitOptions = {}): Promise<RateLimitDecision> {
    const request = this.requestOf(key, options);
    const maxWaitMs = checkedWaitMs(options.maxWaitMs);
    options.signal?.throwIfAborted();
    if (this.options.shadow) return this.tryAcquire(key, options);
    const startedAt = this.core.now();
    try {
      return await this.acquireFromStore(request, maxWaitMs, options.signal);
    } catch (error) {
      if (!(error instanceof LimitStoreError)) throw error;
      const leftMs = Math.max(0, maxWaitMs - (this.core.now() - startedAt));
      const decision = await this.core.without.acquire(error, key, { ...options, maxWaitMs: leftMs });
      this.count(key, decision);
      return decision;
    }
  }

  // --- at a time of one's own ---

  async reserve(key?: LimiterKey, options?: ReserveOptions): Promise<SharedReservation | RefusedReservation> {
    const request = reservationRequest(key, options, this.questions.names);
    const verdict = this.verdict(key);
    if (verdict?.allowed === true) return this.core.without.free(key, options, false);
    const made =
      verdict === undefined
        ? await this.orWithout(
            () => this.desk.reserve(request),
            (error) => this.core.without.reserve(error, key, options),
          )
        : ({ reserved: false, limitName: verdict.limitName, retryAfterMs: Infinity, oversize: false } as const);
    if (made.reserved) return made;
    const { limitName, retryAfterMs } = made;
    const reason = verdict === undefined ? 'wait' : 'denied';
    this.record.refused(key, { limitName, reason, retryAfterMs, waitedMs: 0, shadow: this.options.shadow });
    return this.options.shadow ? this.core.without.free(key, options, false) : made;
  }

  async settle(decision: RateLimitDecision, actual: Cost): Promise<boolean> {
    const costs = resolveCost(actual, this.questions.names);
    const own = this.core.without.settle(decision, actual);
    if (own !== undefined) return own;
    const estimate = this.estimates.get(decision);
    if (estimate === undefined) return false;
    if (estimate.reservation !== undefined) return estimate.reservation.settle(actual);
    this.estimates.delete(decision);
    const { key, question } = estimate;
    const limits = question.limits.map((limit, at) => ({ ...limit, cost: costAt(costs, at) - limit.cost }));
    this.core.leases!.adjust({ ...question, limits });
    tellSettled(this.record, key, question, this.questions.of(key, costs));
    return true;
  }

  // --- what is known from elsewhere ---

  async feedback(response: ServerResponse, key?: LimiterKey): Promise<void> {
    const wallTime = this.core.clock.wallTime();
    const ms = pauseMs(response, wallTime);
    const left = quotasLeft(this.questions.names, response, wallTime);
    const question = this.questions.of(key, 0);
    if (ms > 0) {
      this.core.leases?.drop(question);
      await this.command(
        (store) => store.hold(question, 'pause', ms),
        (share) => share.feedback(response, key),
      );
      this.record.held(key, 'pause', ms);
    }
    if (left.every((each) => each === undefined)) return;
    const limits = question.limits.map((limit, at) => ({ ...limit, cost: left[at] ?? -1 }));
    await this.command(
      (store) => store.lower({ ...question, limits }),
      (share) => share.feedback(response, key),
    );
  }

  update(change: Partial<LimitNumbers>, limitName?: string): void {
    const { limits } = this.questions;
    const named = indexOfLimit(limits, limitName);
    const after = changedLimit(limits[named]!, change);
    this.core.leases?.releaseAll();
    this.questions.limits = limits.with(named, after);
    this.core.without.renew();
    this.record.updated(after, limits[named]!.limit);
  }

  async ban(key: LimiterKey | undefined, durationMs: number): Promise<void> {
    checkBan(durationMs);
    const question = this.questions.of(key, 0);
    this.core.leases?.drop(question);
    await this.command(
      (store) => store.hold(question, 'ban', durationMs),
      (share) => share.ban(key, durationMs),
    );
    this.record.held(key, 'ban', durationMs);
  }

  async penalise(key: LimiterKey | undefined, cost: Cost): Promise<void> {
    const costs = resolveCost(cost, this.questions.names);
    const question = this.questions.of(key, costs);
    await this.command(
      (store) => store.charge(question),
      (share) => share.penalise(key, cost),
    );
    this.record.counts.overshoot += Math.max(...question.limits.map((limit) => limit.cost));
  }

  async reward(key: LimiterKey | undefined, cost: Cost): Promise<void> {
    const question = this.questions.of(key, resolveCost(cost, this.questions.names));
    await this.command(
      (store) => store.forgive(question),
      (share) => share.reward(key, cost),
    );
  }

  async reset(key?: LimiterKey): Promise<void> {
    const question = this.questions.ofOwn(key);
    this.core.leases?.drop(question);
    await this.command(
      (store) => store.forget(question),
      (share) => share.reset(key),
    );
  }

  async close(): Promise<void> {
    await this.ownCore?.close();
  }

  // --- inside ---

  /** Times of different clocks don't compare, so the first use binds to one. */
  private get core(): SharedCore {
    this.ownClock ??= systemClock;
    return (this.ownCore ??= new SharedCore(this.options, this.ownClock, this.record, this.questions));
  }

  private get desk(): SharedDesk {
    return (this.ownDesk ??= new SharedDesk(this.core));
  }

  private get acquisitions(): Acquisitions {
    return (this.ownAcquisitions ??= new Acquisitions(this.core, this.desk));
  }

  private async decideAndCount(
    key: LimiterKey | undefined,
    options: AcquireOptions | undefined,
  ): Promise<RateLimitDecision> {
    const decision = await this.decide(this.requestOf(key, options), options, true);
    this.count(key, decision);
    return decision;
  }

  private requestOf(key: LimiterKey | undefined, options: AcquireOptions | undefined): SharedRequest {
    const { cost, priority, settles = false } = options ?? {};
    const question = this.questions.of(key, resolveCost(cost, this.questions.names));
    return { key, question, level: levelOf(priority), settles };
  }

  private verdict(key: LimiterKey | undefined): RateLimitDecision | undefined {
    return this.access.isOpen ? undefined : this.access.verdict(key, wholeKey(key), this.core.now());
  }

  private async decide(
    request: SharedRequest,
    options: AcquireOptions | undefined,
    commit: boolean,
  ): Promise<RateLimitDecision> {
    const decision =
      this.verdict(request.key) ??
      oversize(request.question) ??
      (await this.orWithout(
        () => this.ask(request, commit),
        (error) => this.core.without.decide(error, request.key, options, commit),
      ));
    return this.options.shadow && !decision.allowed ? { ...decision, allowed: true, shadow: true } : decision;
  }

  /** Decides by the store, or by what is leased from it. */
  private async ask(request: SharedRequest, commit: boolean): Promise<RateLimitDecision> {
    const { key, question, settles } = request;
    const { leases, link } = this.core;
    if (leases !== undefined) {
      if (!commit)
        return leases.peek(question) ?? decisionOf(question, await link.ask((s) => s.decide(question, false)));
      const decision = leases.takeHeld(question) ?? (await leases.take(question));
      if (settles && decision.allowed) this.estimates.set(decision, { key, question, reservation: undefined });
      return decision;
    }
    const decision = decisionOf(question, await link.ask((store) => store.decide(question, commit && !settles)));
    if (!commit || !settles || !decision.allowed) return decision;
    return this.takeToSettle(request, decision);
  }

  /** A cost that will be settled is taken as a reservation whose time is now. */
  private async takeToSettle(
    { key, question }: SharedRequest,
    decision: RateLimitDecision,
  ): Promise<RateLimitDecision> {
    const costs = question.limits.map(({ cost }) => cost);
    const made = await this.desk.reserve({ key, cost: 0, costs, maxWaitMs: 0, expiresMs: EXPIRES_MS });
    if (!made.reserved)
      return { ...decision, allowed: false, limitName: made.limitName, retryAfterMs: made.retryAfterMs };
    this.estimates.set(decision, { key, question, reservation: made });
    return decision;
  }

  private async acquireFromStore(
    request: SharedRequest,
    maxWaitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<RateLimitDecision> {
    const { key, question, settles } = request;
    const waiting = { ...request, signal, maxWaitMs };
    const early = this.verdict(key) ?? oversize(question);
    if (early?.allowed === false)
      throw this.acquisitions.refuse(waiting, early.oversize ? 'limit' : 'denied', early.limitName, Infinity, 0);
    const decision =
      early ?? (settles || this.acquisitions.blocks(request) ? undefined : await this.ask(request, true));
    if (decision?.allowed === true) {
      if (signal?.aborted === true) {
        this.giveBack(request);
        throw signal.reason;
      }
      this.count(key, decision);
      return decision;
    }
    if (decision !== undefined && maxWaitMs === 0) {
      const { limitName, retryAfterMs } = decision;
      throw this.acquisitions.refuse(waiting, limitName === 'ban' ? 'denied' : 'limit', limitName, retryAfterMs, 0);
    }
    const waited = await this.acquisitions.wait(waiting);
    if (settles) this.bindWaited(request, waited);
    return waited.decision;
  }

  /** What was taken for somebody who does not want it any more. */
  private giveBack({ question }: SharedRequest): void {
    const { leases } = this.core;
    if (leases === undefined) return this.core.giveBack(question);
    leases.adjust({ ...question, limits: question.limits.map((limit) => ({ ...limit, cost: -limit.cost })) });
  }

  private bindWaited(request: SharedRequest, { decision, id }: { decision: RateLimitDecision; id: string }): void {
    const { key, question } = request;
    const costs = question.limits.map(({ cost }) => cost);
    const reservation = new StoredReservation(this.desk, { id, key, cost: 0, costs, expiresMs: EXPIRES_MS }, 0);
    this.estimates.set(decision, { key, question, reservation });
  }

  private count(key: LimiterKey | undefined, decision: RateLimitDecision): void {
    if (decision.degraded) this.degraded++;
    if (decision.allowed && !decision.shadow) this.record.counts.admitted++;
    else this.record.refusedAtOnce(key, decision);
  }

  private async orWithout<T>(ask: () => Promise<T>, without: (error: LimitStoreError) => T): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof LimitStoreError) return without(error);
      throw error;
    }
  }

  /** Tells the store to change something; while it is away, this process's share where that is what decides. */
  private async command(
    tell: (store: LimitStore) => Promise<unknown>,
    locally: (share: RateLimiter) => void,
  ): Promise<void> {
    try {
      await this.core.link.ask(tell);
    } catch (error) {
      if (!(error instanceof LimitStoreError) || !this.core.without.isLocal) throw error;
      locally(this.core.without.share);
    }
  }
}
