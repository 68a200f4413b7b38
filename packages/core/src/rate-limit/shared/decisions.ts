/** Decisions of a shared limiter: by its store, by what is leased from that, or without either. */
import { Access } from '../access.ts';
import { type Cost, costAt, resolveCharge, resolveCost } from '../cost.ts';
import type { RateLimitDecision } from '../decision.ts';
import { type LimiterKey, wholeKey } from '../keys/limiter-key.ts';
import { levelOf } from '../request.ts';
import { EXPIRES_MS } from '../reservation-desk.ts';
import { decisionOf, oversize } from './answers.ts';
import type { SharedCore } from './core.ts';
import { LimitStoreError } from './errors.ts';
import type { LimitQuestion } from './limit-store.ts';
import { type SharedDesk, tellSettled } from './shared-desk.ts';
import type { SharedAcquireOptions } from './shared-rate-limiter.ts';
import { StoredReservation } from './shared-reservation.ts';

/** A request, understood. */
export interface SharedRequest {
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

export class SharedDecisions {
  private readonly core: SharedCore;
  private readonly desk: SharedDesk;
  private readonly access: Access;
  private readonly estimates: WeakMap<RateLimitDecision, Estimate> = new WeakMap();

  constructor(core: SharedCore, desk: SharedDesk) {
    this.core = core;
    this.desk = desk;
    // Bans and pauses stand in the store; here are lists alone.
    this.access = new Access(core.options.allow, core.options.deny, 1);
  }

  /** @throws RangeError when what is asked for can't be meant. */
  requestOf(key: LimiterKey | undefined, options: SharedAcquireOptions | undefined): SharedRequest {
    const { cost, priority, settles = false } = options ?? {};
    const { questions } = this.core;
    return { key, question: questions.of(key, resolveCost(cost, questions.names)), level: levelOf(priority), settles };
  }

  /** What the lists say of a key; undefined when nothing. */
  verdict(key: LimiterKey | undefined): RateLimitDecision | undefined {
    return this.access.isOpen ? undefined : this.access.verdict(key, wholeKey(key), this.core.now());
  }

  async decide(
    request: SharedRequest,
    options: SharedAcquireOptions | undefined,
    commit: boolean,
  ): Promise<RateLimitDecision> {
    const decision =
      this.verdict(request.key) ??
      oversize(request.question) ??
      (await this.orWithout(
        () => this.ask(request, commit),
        (error) => this.core.without.decide(error, request.key, options, commit),
      ));
    return this.core.options.shadow && !decision.allowed ? { ...decision, allowed: true, shadow: true } : decision;
  }

  /** Decides by the store, or by what is leased from it. Rejects with a LimitStoreError where that is away. */
  async ask(request: SharedRequest, commit: boolean): Promise<RateLimitDecision> {
    const { key, question, settles } = request;
    const { leases, link } = this.core;
    if (leases === undefined) {
      if (commit && settles) return this.takeToSettle(request);
      return decisionOf(question, await link.ask((store) => store.decide(question, commit)));
    }
    if (!commit)
      return leases.peek(question) ?? decisionOf(question, await link.ask((store) => store.decide(question, false)));
    const decision = leases.takeHeld(question) ?? (await leases.take(question));
    if (settles && decision.allowed) this.estimates.set(decision, { key, question, reservation: undefined });
    return decision;
  }

  async orWithout<T>(ask: () => Promise<T>, without: (error: LimitStoreError) => T): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof LimitStoreError) return without(error);
      throw error;
    }
  }

  /** Gives back what was taken for somebody who does not want it any more. */
  giveBack({ question }: SharedRequest): void {
    const { leases } = this.core;
    if (leases === undefined) return this.core.giveBack(question);
    leases.adjust({ ...question, limits: question.limits.map((limit) => ({ ...limit, cost: -limit.cost })) });
  }

  /** Remembers which place in time stands behind a decision that may be settled. */
  bind({ key, question }: SharedRequest, { decision, id }: { decision: RateLimitDecision; id: string }): void {
    const costs = question.limits.map(({ cost }) => cost);
    const terms = { id, key, cost: 0, costs, expiresMs: EXPIRES_MS };
    this.estimates.set(decision, { key, question, reservation: new StoredReservation(this.desk, terms, 0) });
  }

  async settle(decision: RateLimitDecision, actual: Cost): Promise<boolean> {
    const { questions, without, leases, record } = this.core;
    const costs = resolveCharge(actual, questions.names);
    const own = without.settle(decision, actual);
    if (own !== undefined) return own;
    const estimate = this.estimates.get(decision);
    if (estimate === undefined) return false;
    if (estimate.reservation !== undefined) return estimate.reservation.settle(actual);
    this.estimates.delete(decision);
    const { key, question } = estimate;
    const limits = question.limits.map((limit, at) => ({ ...limit, cost: costAt(costs, at) - limit.cost }));
    const lacking = leases!.adjust({ ...question, limits });
    if (lacking !== undefined) await this.core.link.ask((store) => store.charge(lacking));
    tellSettled(record, key, question, questions.of(key, costs));
    return true;
  }

  /** A cost that will be settled is taken as a reservation whose time is now. */
  private async takeToSettle(request: SharedRequest): Promise<RateLimitDecision> {
    const { question } = request;
    const { link } = this.core;
    const id = this.core.nextId();
    const startedAt = this.core.now();
    const made = await this.desk.ask(question, { id, maxWaitMs: 0, expiresMs: EXPIRES_MS });
    if (made.delayMs === 0) {
      const decision = decisionOf(question, { hold: undefined, readings: made.readings });
      this.bind(request, { decision, id });
      return decision;
    }
    // Where too many are to be settled already this one stays at its estimate; otherwise it is refused, and is told by what.
    const answer = await link.ask((store) => store.decide(question, made.full), startedAt);
    const decision = decisionOf(question, answer);
    if (made.full || !decision.allowed) return decision;
    // It would fit by now; but nothing was taken for it.
    return { ...decision, allowed: false, retryAfterMs: made.delayMs ?? made.hold!.leftMs };
  }
}
