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
  readonly limit: AskedLimit;
  readonly question: LimitQuestion;
  /** What may still be let through; below 0 after a settlement above the estimate. */
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
}

/** A dry bucket is left alone for a quarter of its burst's time, so that something is there then; at most so long. */
const LONGEST_DROUGHT_MS = 100;
const SWEPT_PER_LEASE = 2;

export class Leases {
  private readonly owner: LeaseOwner;
  private readonly leases: Map<string, Lease> = new Map();
  private readonly droughts: Map<string, Drought> = new Map();
  private readonly fetches: Map<string, Promise<LimitAnswer>> = new Map();

  constructor(owner: LeaseOwner) {
    this.owner = owner;
  }

  /** How much is held over all keys and limits. */
  get held(): number {
    let sum = 0;
    for (const { left } of this.leases.values()) sum += Math.max(0, left);
    return sum;
  }

  /** Decides about a request by what is held; undefined where the store has to be asked. */
  takeHeld(question: LimitQuestion, id: string = idOf(question)): RateLimitDecision | undefined {
    const now = this.owner.now();
    const leases = question.limits.map((_, at) => this.leaseOf(question, at));
    const isHeld = leases.every(({ left }, at) => left >= question.limits[at]!.cost);
    return isHeld ? this.spend(id, question, leases, now) : this.refusalOf(id, question, now);
  }

  /**
   * Decides about a request by what is held, after having fetched more where that is needed. Rejects where the store
   * does, in which case nothing was taken.
   */
  async take(question: LimitQuestion): Promise<RateLimitDecision> {
    const id = idOf(question);
    for (;;) {
      const decision = this.takeHeld(question, id);
      if (decision !== undefined) return decision;
      // Whoever comes while a batch is on its way looks first at what that brings.
      const answer = await (this.fetches.get(id) ?? this.fetch(id, question));
      if (isRefusal(answer)) return this.takeHeld(question, id) ?? decisionOf(question, answer);
    }
  }

  /** What would be decided by what is held; undefined where the store would have to be asked. Changes nothing. */
  peek(question: LimitQuestion): RateLimitDecision | undefined {
    const leases = question.limits.map((limit, at) => this.leases.get(keyOf(limit, at)));
    if (leases.every((lease, at) => lease !== undefined && lease.left >= question.limits[at]!.cost))
      return granted(question, leases as readonly Lease[]);
    return this.refusalOf(idOf(question), question, this.owner.now());
  }

  /** What `question` costs more, or less, than was thought. */
  adjust(question: LimitQuestion): void {
    for (const [at, { cost }] of question.limits.entries()) this.leaseOf(question, at).left -= cost;
  }

  /** Gives everything back. */
  releaseAll(): void {
    for (const key of this.leases.keys()) this.release(key);
  }

  /** Drops what is held for a question without giving it back: what was taken is forgotten. */
  drop(question: LimitQuestion): void {
    for (const [at, limit] of question.limits.entries()) this.leases.delete(keyOf(limit, at));
    this.droughts.delete(idOf(question));
  }

  private refusalOf(id: string, question: LimitQuestion, now: number): RateLimitDecision | undefined {
    const drought = this.droughts.get(id);
    if (drought === undefined) return undefined;
    if (drought.untilMs <= now) {
      this.droughts.delete(id);
      return undefined;
    }
    if (costOf(question) < drought.cost) return undefined;
    return { ...drought.decision, retryAfterMs: drought.untilMs - now };
  }

  private spend(id: string, question: LimitQuestion, leases: readonly Lease[], now: number): RateLimitDecision {
    let isLow = false;
    for (const [at, lease] of leases.entries()) {
      lease.left -= question.limits[at]!.cost;
      lease.usedAt = now;
      if (lease.batch > 1 && lease.left < lease.batch / 2) isLow = true;
    }
    if (isLow && !this.fetches.has(id) && !this.droughts.has(id)) {
      // Fetched ahead: when that fails, whoever finds the lease used up asks again, and is told.
      this.fetch(id, { ...question, limits: question.limits.map((limit) => ({ ...limit, cost: 1 })) }).catch(ignored);
    }
    return granted(question, leases);
  }

  private fetch(id: string, question: LimitQuestion): Promise<LimitAnswer> {
    const now = this.owner.now();
    const leases = question.limits.map((_, at) => this.leaseOf(question, at));
    for (const lease of leases) this.resize(lease, now);
    const limits = question.limits.map((limit, at) => ({ ...limit, cost: Math.max(0, limit.cost - leases[at]!.left) }));
    const wanted = limits.map(({ cost }, at) => Math.max(cost, leases[at]!.batch - Math.max(0, leases[at]!.left)));
    const fetched = this.owner.fetch({ ...question, limits }, wanted).then((answer) => {
      if (isRefusal(answer)) this.remember(id, question, answer);
      else {
        const { readings } = answer as { readonly readings: readonly LimitReading[] };
        for (const [at, { granted }] of readings.entries()) this.leaseOf(question, at).left += granted;
      }
      return answer;
    });
    const ended = fetched.finally(() => this.fetches.delete(id));
    this.fetches.set(id, ended);
    return ended;
  }

  /** A lease that was used up quickly grows, one that was not shrinks. */
  private resize(lease: Lease, now: number): void {
    const most = largestBatch(lease.limit.numbers, this.owner.instances);
    const isBusy = now - lease.fetchedAt <= this.owner.leaseMs;
    lease.batch = Math.min(most, isBusy ? lease.batch * 2 : Math.max(1, Math.floor(lease.batch / 2)));
    lease.fetchedAt = now;
  }

  private remember(id: string, question: LimitQuestion, answer: LimitAnswer): void {
    const decision = decisionOf(question, answer);
    if (decision.retryAfterMs === Infinity && decision.limitName !== 'ban') return;
    const restMs = Math.min(
      LONGEST_DROUGHT_MS,
      ...question.limits.map(({ numbers: { burst, periodMs, limit } }) => (burst * periodMs) / limit / 4),
    );
    const untilMs = this.owner.now() + Math.min(LONGEST_DROUGHT_MS, Math.max(decision.retryAfterMs, restMs));
    if (this.droughts.size >= this.owner.maxLeases) this.droughts.delete(this.droughts.keys().next().value!);
    this.droughts.set(id, { untilMs, cost: costOf(question), decision });
  }

  private leaseOf(question: LimitQuestion, at: number): Lease {
    const limit = question.limits[at]!;
    const key = keyOf(limit, at);
    let lease = this.leases.get(key);
    const now = this.owner.now();
    if (lease !== undefined && lease.left > 0 && now - lease.usedAt > this.owner.leaseMs) {
      this.release(key);
      lease = undefined;
    }
    if (lease === undefined) {
      this.sweep(now);
      lease = { limit, question, left: 0, batch: 1, usedAt: now, fetchedAt: -Infinity };
      this.leases.set(key, lease);
    }
    return lease;
  }

  /** Two are looked at for each new one; those in use go to the back, so that the next look is at others. */
  private sweep(now: number): void {
    let looked = 0;
    for (const [key, lease] of this.leases) {
      if (looked++ === SWEPT_PER_LEASE) break;
      if (now - lease.usedAt > this.owner.leaseMs) this.release(key);
      else if (this.leases.delete(key)) this.leases.set(key, lease);
    }
    for (const key of this.leases.keys()) {
      if (this.leases.size < this.owner.maxLeases) break;
      this.release(key);
    }
  }

  private release(key: string): void {
    const lease = this.leases.get(key)!;
    this.leases.delete(key);
    if (lease.left <= 0) return;
    this.owner.giveBack({ ...lease.question, limits: [{ ...lease.limit, cost: lease.left }] });
  }
}

/** The limit of which the least is held speaks for all. */
function granted(question: LimitQuestion, leases: readonly Lease[]): RateLimitDecision {
  let scarcest = 0;
  for (const [at, { left }] of leases.entries()) if (left < leases[scarcest]!.left) scarcest = at;
  const { numbers } = question.limits[scarcest]!;
  return {
    allowed: true,
    limitName: numbers.name,
    limitValue: numbers.limit,
    remaining: Math.floor(Math.max(0, leases[scarcest]!.left)),
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

/** A question by whom it is about: what is fetched for one is fetched for all who ask the same. */
function idOf({ limits }: LimitQuestion): string {
  return limits.length === 1 ? keyOf(limits[0]!, 0) : JSON.stringify(limits.map(keyOf));
}

/** The same limits stand in the same order in every question of a limiter. */
function keyOf({ key }: AskedLimit, index: number): string {
  return key === undefined ? `${index}` : `${index}:${key}`;
}

function costOf({ limits }: LimitQuestion): number {
  return Math.max(...limits.map(({ cost }) => cost));
}

function ignored(): void {
  // See where it is passed.
}
