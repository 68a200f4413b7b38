/**
 * The queue of a limiter. Requests that share a budget stand in one contest; a heap knows which contest is due first, and
 * one timer waits for that one, however many wait. A wait costs nothing in the limits until its turn comes, so leaving
 * the queue has nothing to give back.
 */
import type { Clock, Timer } from '../../clock/clock.ts';
import { timeoutQueueOf } from '../../clock/timeout-queue.ts';
import { costAt, type Costs } from '../cost.ts';
import type { RateLimitDecision } from '../decision.ts';
import { type LimiterKey, wholeKey } from '../keys/limiter-key.ts';
import type { LimitSet } from '../limit-set.ts';
import { Contest } from './contest.ts';
import { DueHeap } from '../../structures/due-heap.ts';
import { type QueueBounds, QueueRoom } from './queue-room.ts';
import { type AdmissionRequest, type Client, WaitExpiry, type Waiter } from './waiter.ts';

/** How a wait ended. */
export type WaitEnding = 'admitted' | 'expired' | 'withdrawn' | 'dropped' | 'refused';

/** The limiter whose queue it is. */
export interface QueueOwner {
  readonly limitSet: LimitSet;
  /** Takes the costs of a request whose turn has come, if they fit and `commit` says so. */
  takeTurn(request: AdmissionRequest, nowMs: number, commit: boolean): RateLimitDecision;
  /** After a refusal: whether all that refused is shared by the whole contest. */
  readonly refusedByAll: boolean;
  /** Told how waits end, for statistics. */
  waitEnded(request: AdmissionRequest, ending: WaitEnding, waitedMs: number): void;
}

export class AdmissionQueue {
  private readonly owner: QueueOwner;
  private readonly clock: Clock;
  private readonly room: QueueRoom;
  private readonly contests: Map<string | undefined, Contest> = new Map();
  private readonly heap: DueHeap<Contest> = new DueHeap();
  private sequence = 0;
  private timer: Timer | undefined = undefined;
  private timerDueAt = Infinity;
  private serving = false;
  private lastMoment: number | undefined = undefined;
  private lastMomentAt = 0;

  constructor(owner: QueueOwner, clock: Clock, bounds: QueueBounds) {
    this.owner = owner;
    this.clock = clock;
    this.room = new QueueRoom(bounds, owner.limitSet.names.length);
  }

  /** How many wait. */
  get size(): number {
    return this.room.waiting;
  }

  /** Whether a newcomer has to wait behind somebody who wants the same. */
  blocks(request: AdmissionRequest): boolean {
    if (this.room.waiting === 0) return false;
    const contest = this.contests.get(this.owner.limitSet.contestOf(request.key));
    return contest?.blocks(clientOf(request), request.level) ?? false;
  }

  /** How long a newcomer will wait, if nobody more urgent comes. */
  predictedWaitMs(request: AdmissionRequest, now: number): number {
    const limits = this.owner.limitSet;
    const contest = this.contests.get(limits.contestOf(request.key));
    const sums = limits.names.map((_, index) => {
      const cost = costAt(request.costs, index);
      const shared = limits.isShared(index);
      return cost + (contest?.costAhead(clientOf(request), request.level, index, cost, shared) ?? 0);
    });
    return limits.drainMs(request.key, sums, now);
  }

  /** A newcomer was let through at once: it may have passed somebody over, whose turn it is by that. */
  passed(request: AdmissionRequest, now: number): void {
    const contest = this.contests.get(this.owner.limitSet.contestOf(request.key));
    if (contest === undefined) return;
    const before = contest.turn();
    contest.served(request.level, this.weightOf(request.costs));
    if (contest.turn() === before) return;
    this.schedule(contest, now);
    this.arm(now);
  }

  /** Makes room for a newcomer where the bounds want it and the rules allow it; whether there is room now. */
  makeRoom(request: AdmissionRequest): boolean {
    if (!this.room.canBeMade(request)) return false;
    while (!this.room.isThere(request)) {
      const dropped = this.room.victim(request.level)!;
      const now = this.clock.now();
      const retryAfterMs = this.predictedWaitMs(dropped.request, now);
      this.leave(dropped, 'dropped', now);
      dropped.refused('dropped', retryAfterMs, now - dropped.queuedAt);
    }
    return true;
  }

  /** Puts `waiter` at the end of its flow, for at most `maxWaitMs`. */
  add(waiter: Waiter, maxWaitMs: number, now: number): void {
    const { request } = waiter;
    const key = this.owner.limitSet.contestOf(request.key);
    let contest = this.contests.get(key);
    if (contest === undefined) this.contests.set(key, (contest = new Contest(key, this.owner.limitSet.names.length)));
    waiter.sequence = this.sequence++;
    waiter.queuedAt = now;
    waiter.weight = this.weightOf(request.costs);
    if (maxWaitMs !== Infinity) {
      waiter.expiry = new WaitExpiry(timeoutQueueOf(this.clock).lane(maxWaitMs), () => this.expire(waiter));
    }
    contest.append(waiter, clientOf(request));
    this.room.entered(waiter);
    // Who has become the next to try finds out when that will be.
    if (contest.turn() === waiter) this.schedule(contest, now);
    this.arm(now);
  }

  /**
   * Takes `waiter` out of the queue; false when it does not wait any more.
   *
   * @param moment What those have in common who leave at one moment: the clock is read for the first of them.
   */
  withdraw(waiter: Waiter, moment?: number): boolean {
    if (moment === undefined || moment !== this.lastMoment) {
      this.lastMoment = moment;
      this.lastMomentAt = this.clock.now();
    }
    return this.leave(waiter, 'withdrawn', this.lastMomentAt);
  }

  /** What there is for the contest of `key`, or for all, has changed otherwise than by time. */
  refresh(key?: { readonly of: LimiterKey | undefined }): void {
    if (this.room.waiting === 0) return;
    const now = this.clock.now();
    const contest = key === undefined ? undefined : this.contests.get(this.owner.limitSet.contestOf(key.of));
    const affected = key === undefined ? [...this.contests.values()] : contest === undefined ? [] : [contest];
    for (const each of affected) {
      each.unpark(Infinity);
      this.schedule(each, now);
    }
    this.arm(now);
  }

  private expire(waiter: Waiter): void {
    // Who is due at this very moment is not too late.
    this.serve();
    if (waiter.flow === undefined) return;
    const now = this.clock.now();
    this.leave(waiter, 'expired', now);
    waiter.refused('wait', this.predictedWaitMs(waiter.request, now), now - waiter.queuedAt);
  }

  private leave(waiter: Waiter, ending: Exclude<WaitEnding, 'admitted'>, now: number): boolean {
    const { flow } = waiter;
    if (flow === undefined) return false;
    const { client } = flow;
    const contest = this.contests.get(waiter.contestKey)!;
    const mayBeNext = flow.waiting.first === waiter;
    this.takeOut(contest, waiter, false);
    this.owner.waitEnded(waiter.request, ending, now - waiter.queuedAt);
    if (mayBeNext && contest.size > 0) this.nextMovesUp(contest, client, waiter.weight, now);
    this.arm(now);
    return true;
  }

  /** One that weighs no less is not due earlier: the timer may come too early for it, never too late. */
  private nextMovesUp(contest: Contest, client: Client, weight: number, now: number): void {
    if (client.isParked && client.waiting > 0) contest.letGoOn(client);
    if ((contest.turn()?.weight ?? 0) < weight) this.schedule(contest, now);
  }

  private takeOut(contest: Contest, waiter: Waiter, isServed: boolean): void {
    contest.remove(waiter, isServed);
    this.room.left(waiter);
    waiter.expiry?.cancel();
    if (contest.size > 0) return;
    this.heap.remove(contest);
    this.contests.delete(contest.key);
  }

  /** Finds out when somebody in `contest` may go on, and sets those aside who are held back by limits of their own. */
  private schedule(contest: Contest, now: number): void {
    for (let next = contest.turn(); next !== undefined; next = contest.turn()) {
      const decision = this.owner.takeTurn(next.request, now, false);
      const isFinal = decision.allowed || decision.retryAfterMs === Infinity;
      if (isFinal || this.owner.refusedByAll) {
        contest.dueAt = isFinal ? now : Math.min(now + decision.retryAfterMs, contest.parkedUntil);
        return this.heap.place(contest);
      }
      this.park(contest, next, now + decision.retryAfterMs, now);
    }
    contest.dueAt = contest.parkedUntil;
    this.heap.place(contest);
  }

  private park(contest: Contest, waiter: Waiter, dueAt: number, now: number): void {
    contest.park(waiter.flow!.client, later(dueAt, now));
  }

  private arm(now: number): void {
    if (this.serving) return;
    const dueAt = this.heap.first?.dueAt ?? Infinity;
    // A timer that comes too early looks and goes to sleep again; setting it anew for each of many who leave costs more.
    if (this.timer !== undefined && dueAt !== Infinity && this.timerDueAt <= dueAt) return;
    this.timer?.cancel();
    this.timer = undefined;
    if (dueAt === Infinity) return;
    this.timerDueAt = dueAt;
    this.timer = this.clock.setTimer(Math.max(0, dueAt - now), () => {
      this.timer = undefined;
      this.serve();
    });
  }

  /** Lets through everybody who is due. What they do at once may come back here: nothing is kept from turn to turn. */
  private serve(): void {
    if (this.serving) return;
    this.serving = true;
    const now = this.clock.now();
    for (let contest = this.heap.first; contest !== undefined && contest.dueAt <= now; contest = this.heap.first) {
      contest.unpark(now);
      const waiter = contest.turn();
      if (waiter === undefined) this.putOff(contest, contest.parkedUntil, now);
      else this.serveTurn(contest, waiter, now);
    }
    this.serving = false;
    this.arm(now);
  }

  private serveTurn(contest: Contest, waiter: Waiter, now: number): void {
    const decision = this.owner.takeTurn(waiter.request, now, true);
    if (decision.allowed) return this.admit(contest, waiter, decision, now);
    // It was let in to wait, and has become impossible since.
    if (decision.retryAfterMs === Infinity) return this.giveUp(contest, waiter, decision, now);
    const dueAt = now + decision.retryAfterMs;
    if (this.owner.refusedByAll) this.putOff(contest, Math.min(dueAt, contest.parkedUntil), now);
    else this.park(contest, waiter, dueAt, now);
  }

  private putOff(contest: Contest, dueAt: number, now: number): void {
    contest.dueAt = later(dueAt, now);
    this.heap.place(contest);
  }

  private admit(contest: Contest, waiter: Waiter, decision: RateLimitDecision, now: number): void {
    const waitedMs = now - waiter.queuedAt;
    contest.served(waiter.request.level, waiter.weight);
    this.takeOut(contest, waiter, true);
    this.owner.waitEnded(waiter.request, 'admitted', waitedMs);
    waiter.admitted(decision, waitedMs);
  }

  private giveUp(contest: Contest, waiter: Waiter, decision: RateLimitDecision, now: number): void {
    const waitedMs = now - waiter.queuedAt;
    this.takeOut(contest, waiter, false);
    this.owner.waitEnded(waiter.request, 'refused', waitedMs);
    waiter.refused(decision.oversize ? 'limit' : 'denied', Infinity, waitedMs);
  }

  private weightOf(costs: Costs): number {
    let weight = 0;
    for (let index = 0; index < this.owner.limitSet.names.length; index++) {
      weight = Math.max(weight, costAt(costs, index) / this.owner.limitSet.maxCost(index));
    }
    return weight;
  }
}

/** Where a clock's numbers are too large to tell two moments apart, the next that it can tell. */
function later(dueAt: number, now: number): number {
  return dueAt > now ? dueAt : now + 1;
}

function clientOf({ client, key }: AdmissionRequest): string | undefined {
  return client ?? wholeKey(key);
}
