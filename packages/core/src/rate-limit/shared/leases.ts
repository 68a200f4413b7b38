/**
 * Leases: what this process holds of shared limits, so that it can decide without asking the store.
 *
 * A lease is taken in batches, larger ones as they are used up faster, and never beyond burst / (2 · instances): what all
 * processes hold together, and a period may admit beyond the promise of its limit, is at most half the burst. Before one
 * runs out the next is fetched in the background. When the store has none left, it is not asked again before there can be
 * some, however many want one; so a dry bucket costs a store call now and then, not one per decision. A lease that nobody
 * uses is given back.
 */
import type { RateLimitDecision } from '../decision.ts';
import { decisionOf } from './answers.ts';
import type { AskedLimit, LimitAnswer, LimitQuestion, LimitReading } from './limit-store.ts';
import { largestBatch } from './options.ts';

/** What is held of one limit for one key. */
interface Lease {
  readonly at: number;
  readonly question: LimitQuestion;
  /** What may still be let through: from 0 to the largest batch. */
  left: number;
  /** How much is fetched at a time. */
  batch: number;
  usedAt: number;
  fetchedAt: number;
}

/** Until when the store is known to have nothing for a question. */
interface Drought {
  readonly untilMs: number;
  readonly cost: number;
  readonly decision: RateLimitDecision;
}

/** What leases are taken from, and by what rules. */
export interface LeaseOwner {
  readonly instances: number;
  readonly leaseMs: number;
  readonly maxLeases: number;
  now(): number;
  /** Asks the store for a batch. */
  fetch(question: LimitQuestion, wanted: readonly number[]): Promise<LimitAnswer>;
  /** Gives back what was not used; nobody waits for that. */
  giveBack(question: LimitQuestion): void;
  /** Waits for an answer until the store's deadline for who began to ask at `sinceMs`. */
  until<T>(sinceMs: number, answer: Promise<T>): Promise<T>;
}

/** Whom a question is about: what is fetched for one is fetched for all who ask the same. */
type QuestionId = string | undefined;

/** A dry bucket is left alone for a quarter of its burst's time, so that something is there then; at most so long. */
const LONGEST_DROUGHT_MS = 100;
const SWEPT_PER_LEASE = 2;

export class Leases {
  private readonly owner: LeaseOwner;
  /** By what each limit counts by; limits stand in the same order in every question of a limiter. */
  private readonly leases: readonly Map<string | undefined, Lease>[];
  private readonly droughts: Map<QuestionId, Drought> = new Map();
  private readonly fetches: Map<QuestionId, Promise<LimitAnswer>> = new Map();

  constructor(owner: LeaseOwner, limits: number) {
    this.owner = owner;
    this.leases = Array.from({ length: limits }, () => new Map());
  }

  /** How much is held over all keys and limits. */
  get held(): number {
    let sum = 0;
    for (const leases of this.leases) for (const { left } of leases.values()) sum += left;
    return sum;
  }

  /** The usual case without a question: one limit, a cost of 1, and a lease that is there. Undefined where it is another. */
  takeOne(key: string | undefined): RateLimitDecision | undefined {
    const lease = this.leases[0]!.get(key);
    if (lease === undefined || lease.left < 1) return undefined;
    const now = this.owner.now();
    if (now - lease.usedAt > this.owner.leaseMs) return undefined;
    lease.left--;
    lease.usedAt = now;
    if (lease.batch > 1 && lease.left < lease.batch / 2) this.fetchAhead(key, lease.question);
    return granted(lease.question, 0, lease.left);
  }

  /** Decides about a request by what is held; undefined where the store has to be asked. */
  takeHeld(question: LimitQuestion): RateLimitDecision | undefined {
    const now = this.owner.now();
    const leases = question.limits.map((_, at) => this.leaseOf(question, at));
    if (!isEnough(leases, question)) return this.refusalOf(question, now);
    let isLow = false;
    for (const [at, lease] of leases.entries()) {
      lease.left -= question.limits[at]!.cost;
      lease.usedAt = now;
      if (lease.batch > 1 && lease.left < lease.batch / 2) isLow = true;
    }
    if (isLow) this.fetchAhead(idOf(question), question);
    return scarcestOf(question, leases);
  }

  /**
   * Decides about a request by what is held, after having fetched more where that is needed. Rejects where the store
   * does, in which case nothing was taken.
   */
  async take(question: LimitQuestion): Promise<RateLimitDecision> {
    const id = idOf(question);
    const startedAt = this.owner.now();
    for (let isFirst = true; ; isFirst = false) {
      const decision = this.takeHeld(question);
      if (decision !== undefined) return decision;
      // Whoever comes while a batch is on its way looks first at what that brings.
      const fetched = this.fetches.get(id) ?? this.fetch(id, question);
      // Others may have been quicker to take what it brought; then the next one has what is left of the time.
      const answer = await (isFirst ? fetched : this.owner.until(startedAt, fetched));
      if (isRefusal(answer)) return this.takeHeld(question) ?? decisionOf(question, answer);
    }
  }

  /** What would be decided by what is held; undefined where the store would have to be asked. Changes nothing. */
  peek(question: LimitQuestion): RateLimitDecision | undefined {
    const leases = question.limits.map(({ key }, at) => this.leases[at]!.get(key));
    if (!leases.every((lease) => lease !== undefined) || !isEnough(leases, question))
      return this.refusalOf(question, this.owner.now());
    return scarcestOf(question, leases);
  }

  /**
   * What `question` costs more, or less, than was thought. What is more than a process may hold is given back.
   *
   * @returns What is not held and has to be charged; undefined when nothing.
   */
  adjust(question: LimitQuestion): LimitQuestion | undefined {
    const limits = question.limits.map((limit, at) => {
      const lease = this.leaseOf(question, at);
      const left = lease.left - limit.cost;
      const most = largestBatch(limit.numbers, this.owner.instances);
      lease.left = Math.min(most, Math.max(0, left));
      if (left > most) this.owner.giveBack({ ...question, limits: [{ ...limit, cost: left - most }] });
      return { ...limit, cost: Math.max(0, -left) };
    });
    return limits.some(({ cost }) => cost > 0) ? { ...question, limits } : undefined;
  }

  /** Holds no more of each limit than there is. What the store may then have left beside that, −1 where nothing is said. */
  lower(question: LimitQuestion, left: readonly (number | undefined)[]): readonly number[] {
    return left.map((most, at) => {
      if (most === undefined) return -1;
      const lease = this.leases[at]!.get(question.limits[at]!.key);
      if (lease === undefined) return most;
      lease.left = Math.min(lease.left, most);
      return most - lease.left;
    });
  }

  /** Gives everything back. */
  releaseAll(): void {
    for (const leases of this.leases) for (const lease of leases.values()) this.release(lease);
    this.droughts.clear();
  }

  /** Drops what is held for a question without giving it back: what was taken is forgotten. */
  drop(question: LimitQuestion): void {
    for (const [at, { key }] of question.limits.entries()) this.leases[at]!.delete(key);
    this.droughts.delete(idOf(question));
  }

  private refusalOf(question: LimitQuestion, now: number): RateLimitDecision | undefined {
    if (this.droughts.size === 0) return undefined;
    const id = idOf(question);
    const drought = this.droughts.get(id);
    if (drought === undefined) return undefined;
    if (drought.untilMs <= now) {
      this.droughts.delete(id);
      return undefined;
    }
    if (costOf(question) < drought.cost) return undefined;
    return { ...drought.decision, retryAfterMs: drought.untilMs - now };
  }

  /** Where that fails, whoever finds the lease used up asks again and is told. */
  private fetchAhead(id: QuestionId, question: LimitQuestion): void {
    if (this.fetches.has(id) || this.droughts.has(id)) return;
    const limits = question.limits.map((limit) => ({ ...limit, cost: 1 }));
    this.fetch(id, { ...question, limits }).catch(() => undefined);
  }

  private fetch(id: QuestionId, question: LimitQuestion): Promise<LimitAnswer> {
    const now = this.owner.now();
    const leases = question.limits.map((_, at) => this.leaseOf(question, at));
    for (const lease of leases) this.resize(lease, now);
    const limits = question.limits.map((limit, at) => ({ ...limit, cost: Math.max(0, limit.cost - leases[at]!.left) }));
    const wanted = limits.map(({ cost }, at) => Math.max(cost, leases[at]!.batch - leases[at]!.left));
    const fetched = this.owner.fetch({ ...question, limits }, wanted).then((answer) => {
      this.receive(id, question, answer, wanted);
      return answer;
    });
    const ended = fetched.finally(() => this.fetches.delete(id));
    this.fetches.set(id, ended);
    return ended;
  }

  private receive(id: QuestionId, question: LimitQuestion, answer: LimitAnswer, wanted: readonly number[]): void {
    if (isRefusal(answer)) return this.remember(id, decisionOf(question, answer), question, costOf(question));
    const { readings } = answer as { readonly readings: readonly LimitReading[] };
    for (const [at, { granted: more }] of readings.entries()) this.leaseOf(question, at).left += more;
    // Less than was wanted: that was all there is, and the next to ask would get a drop.
    const isDry = readings.some(({ granted: more }, at) => more < wanted[at]!);
    if (isDry) this.remember(id, { ...decisionOf(question, answer), allowed: false }, question, 0);
  }

  /** A lease that was used up quickly grows, one that was not shrinks. */
  private resize(lease: Lease, now: number): void {
    const most = largestBatch(lease.question.limits[lease.at]!.numbers, this.owner.instances);
    const isBusy = now - lease.fetchedAt <= this.owner.leaseMs;
    lease.batch = Math.min(most, isBusy ? lease.batch * 2 : Math.max(1, Math.floor(lease.batch / 2)));
    lease.fetchedAt = now;
  }

  private remember(id: QuestionId, decision: RateLimitDecision, question: LimitQuestion, cost: number): void {
    const restMs = question.limits.map(({ numbers: { burst, periodMs, limit } }) => (burst * periodMs) / limit / 4);
    const lastsMs = Math.min(LONGEST_DROUGHT_MS, Math.max(decision.retryAfterMs, Math.min(...restMs)));
    if (this.droughts.size >= this.owner.maxLeases) this.droughts.delete(this.droughts.keys().next().value);
    this.droughts.set(id, { untilMs: this.owner.now() + lastsMs, cost, decision });
  }

  private leaseOf(question: LimitQuestion, at: number): Lease {
    const { key } = question.limits[at]!;
    const now = this.owner.now();
    const known = this.leases[at]!.get(key);
    if (known !== undefined && !(known.left > 0 && this.isIdle(known, now))) return known;
    if (known !== undefined) this.release(known);
    this.makeRoom(at, now);
    const lease = { at, question, left: 0, batch: 1, usedAt: now, fetchedAt: -Infinity };
    this.leases[at]!.set(key, lease);
    return lease;
  }

  /** Two are looked at for each new one; those in use go to the back, so that the next look is at others. */
  private makeRoom(at: number, now: number): void {
    const leases = this.leases[at]!;
    let looked = 0;
    for (const [key, lease] of leases) {
      if (looked++ === SWEPT_PER_LEASE) break;
      if (this.isIdle(lease, now)) this.release(lease);
      else if (leases.delete(key)) leases.set(key, lease);
    }
    for (const lease of leases.values()) {
      if (leases.size < this.owner.maxLeases) break;
      this.release(lease);
    }
  }

  private isIdle(lease: Lease, now: number): boolean {
    return now - lease.usedAt > this.owner.leaseMs;
  }

  private release({ at, question, left }: Lease): void {
    const limit = question.limits[at]!;
    this.leases[at]!.delete(limit.key);
    if (left > 0) this.owner.giveBack({ ...question, limits: [{ ...limit, cost: left }] });
  }
}

function isEnough(leases: readonly Lease[], question: LimitQuestion): boolean {
  return leases.every(({ left }, at) => left >= question.limits[at]!.cost);
}

/** The limit of which the least is held speaks for all. */
function scarcestOf(question: LimitQuestion, leases: readonly Lease[]): RateLimitDecision {
  let scarcest = 0;
  for (const [at, { left }] of leases.entries()) if (left < leases[scarcest]!.left) scarcest = at;
  return granted(question, scarcest, leases[scarcest]!.left);
}

function granted(question: LimitQuestion, at: number, left: number): RateLimitDecision {
  const { name, limit } = question.limits[at]!.numbers;
  return {
    allowed: true,
    limitName: name,
    limitValue: limit,
    remaining: Math.floor(Math.max(0, left)),
    retryAfterMs: 0,
    resetMs: 0,
    oversize: false,
    degraded: false,
    shadow: false,
  };
}

function isRefusal(answer: LimitAnswer): boolean {
  return answer.hold !== undefined || answer.readings.some(({ waitMs }) => waitMs > 0);
}

function idOf({ limits }: LimitQuestion): QuestionId {
  return limits.length === 1 ? limits[0]!.key : JSON.stringify(limits.map(({ key }: AskedLimit) => key ?? null));
}

function costOf({ limits }: LimitQuestion): number {
  return Math.max(...limits.map(({ cost }) => cost));
}
