import type { TimeoutLane } from '../clock/timeout-queue.ts';
import { LevelQueue } from '../structures/level-queue.ts';
import { PRIORITY_LEVELS } from '../policy/priority.ts';
import type { PermitWaiter } from './permit-waiter.ts';

/** Levels below this one try for a permit before they queue: critical and high. */
const URGENT_LEVELS = 2;

/** What has become of those who asked for a permit. */
export interface PermitStatistics {
  /** How many permits are taken now. */
  readonly running: number;
  /** How many wait for one now. */
  readonly queued: number;
  /** How many permits were given since the beginning. */
  readonly admitted: number;
  /** How many of those were given after a wait. */
  readonly admittedAfterWait: number;
  /** How many were refused at once: all permits were taken, and there was no place in the queue. */
  readonly refused: number;
  /** How many were refused because they had waited too long. */
  readonly refusedAfterWait: number;
  /** How many left the queue of their own: the caller had aborted, or the time of the call was up. */
  readonly withdrawn: number;
  /** How many milliseconds all those together have waited who wait no more. */
  readonly waitedMs: number;
}

/** A number of permits, and the queue of those who wait for one: first come, first served within a level. */
export class Permits {
  private readonly maxQueue: number;
  private readonly time: () => number;
  private readonly queue: LevelQueue<PermitWaiter> = new LevelQueue(PRIORITY_LEVELS);
  private most: number;
  private takenCount = 0;
  private admitted = 0;
  private admittedAfterWait = 0;
  private refused = 0;
  private refusedAfterWait = 0;
  private withdrawn = 0;
  private waitedMs = 0;
  private handingOut = false;
  /** Those whom a permit has passed by in this turn, because they are about to withdraw. */
  private readonly passedBy: Set<PermitWaiter> = new Set();

  /**
   * @param most How many may be taken at once.
   * @param maxQueue How many may wait.
   * @param time The monotonic time; asked only about those who wait.
   */
  constructor(most: number, maxQueue: number, time: () => number) {
    this.most = most;
    this.maxQueue = maxQueue;
    this.time = time;
  }

  get taken(): number {
    return this.takenCount;
  }

  get waiting(): number {
    return this.queue.size;
  }

  get statistics(): PermitStatistics {
    const { admitted, admittedAfterWait, refused, refusedAfterWait, withdrawn, waitedMs } = this;
    return {
      running: this.takenCount,
      queued: this.queue.size,
      admitted,
      admittedAfterWait,
      refused,
      refusedAfterWait,
      withdrawn,
      waitedMs,
    };
  }

  /** Takes a permit when one is free and nobody at all waits for it. */
  tryTakeUncontended(): boolean {
    if (this.takenCount >= this.most || this.queue.size > 0) return false;
    this.takenCount++;
    this.admitted++;
    return true;
  }

  /** Takes a permit when one is free, and nobody waits for it that a call of this level may not overtake. */
  tryTake(level: number): boolean {
    if (this.takenCount >= this.most || (this.queue.size > 0 && !this.mayOvertake(level))) return false;
    this.takenCount++;
    this.admitted++;
    return true;
  }

  /** Puts a waiter into the queue, for as long as `lane` says; false when it is full. */
  enqueue(waiter: PermitWaiter, lane: TimeoutLane | undefined): boolean {
    if (this.queue.size >= this.maxQueue) {
      this.refused++;
      return false;
    }
    this.queue.append(waiter);
    waiter.startWaiting(this.time());
    if (lane !== undefined) waiter.limit(lane, this);
    return true;
  }

  /** Counts somebody who was refused and never asked for a place in the queue. */
  countRefused(): void {
    this.refused++;
  }

  /** Takes a waiter out of the queue that wants no permit any more. */
  withdraw(waiter: PermitWaiter): void {
    this.takeOut(waiter);
    this.stopWaiting(waiter);
    this.withdrawn++;
  }

  /** Refuses a waiter that has waited too long. */
  expire(waiter: PermitWaiter): void {
    this.takeOut(waiter);
    this.stopWaiting(waiter);
    this.refusedAfterWait++;
    waiter.refused();
  }

  /** Gives a permit back; the next waiter gets it. */
  give(): void {
    this.takenCount--;
    if (this.queue.size > 0) this.handOut();
  }

  /** Changes how many may be taken at once; those who have a permit beyond that keep it. */
  resize(most: number): void {
    this.most = most;
    if (this.queue.size > 0) this.handOut();
  }

  /** A waiter whose function is synchronous gives its permit back from within granted(): a loop, not a recursion. */
  private handOut(): void {
    if (this.handingOut) return;
    this.handingOut = true;
    while (this.takenCount < this.most) {
      const waiter = this.queue.shift();
      if (waiter === undefined) break;
      if (this.passesBy(waiter)) continue;
      this.takenCount++;
      this.admitted++;
      this.admittedAfterWait++;
      this.stopWaiting(waiter);
      waiter.granted();
    }
    this.handingOut = false;
  }

  private takeOut(waiter: PermitWaiter): void {
    if (!this.queue.remove(waiter)) this.passedBy.delete(waiter);
  }

  /** Whether a permit is nothing to this waiter any more, which will withdraw within this turn. */
  private passesBy(waiter: PermitWaiter): boolean {
    if (waiter.hasBeenPassedBy || !waiter.isOver) return false;
    waiter.hasBeenPassedBy = true;
    if (this.passedBy.size === 0) void Promise.resolve().then(() => this.callBack());
    this.passedBy.add(waiter);
    return true;
  }

  /** Who has not withdrawn after all, such as a call that has outlived the one which it is part of, waits on. */
  private callBack(): void {
    for (const waiter of this.passedBy) this.queue.append(waiter);
    this.passedBy.clear();
    if (this.queue.size > 0) this.handOut();
  }

  private stopWaiting(waiter: PermitWaiter): void {
    this.waitedMs += waiter.stopWaiting(this.time());
  }

  private mayOvertake(level: number): boolean {
    return level < URGENT_LEVELS && !this.queue.hasAtLeast(level);
  }
}
