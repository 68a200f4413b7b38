import { LevelQueue } from '../structures/level-queue.ts';
import { PRIORITY_LEVELS } from '../policy/priority.ts';
import type { Waiter } from './waiter.ts';

/** Levels below this one try for a permit before they queue: critical and high. */
const URGENT_LEVELS = 2;

/** A number of permits, and the queue of those who wait for one: first come, first served within a level. */
export class Permits {
  private readonly most: number;
  private readonly maxQueue: number;
  private readonly queue: LevelQueue<Waiter> = new LevelQueue(PRIORITY_LEVELS);
  private takenCount = 0;
  private handingOut = false;

  constructor(most: number, maxQueue: number) {
    this.most = most;
    this.maxQueue = maxQueue;
  }

  get taken(): number {
    return this.takenCount;
  }

  get waiting(): number {
    return this.queue.size;
  }

  /** Takes a permit when one is free and nobody at all waits for it. */
  tryTakeUncontended(): boolean {
    if (this.takenCount >= this.most || this.queue.size > 0) return false;
    this.takenCount++;
    return true;
  }

  /** Takes a permit when one is free, and nobody waits for it that a call of this level may not overtake. */
  tryTake(level: number): boolean {
    if (this.takenCount >= this.most || (this.queue.size > 0 && !this.mayOvertake(level))) return false;
    this.takenCount++;
    return true;
  }

  /** Puts a waiter into the queue; false when it is full. */
  enqueue(waiter: Waiter): boolean {
    if (this.queue.size >= this.maxQueue) return false;
    this.queue.append(waiter);
    return true;
  }

  /** Takes a waiter out of the queue; false when it does not wait any more. */
  leaveQueue(waiter: Waiter): boolean {
    waiter.stopWaiting();
    return this.queue.remove(waiter);
  }

  /** Gives a permit back; the next waiter gets it. */
  give(): void {
    this.takenCount--;
    if (this.queue.size === 0) return;
    // A waiter whose function is synchronous gives its permit back from within granted(): a loop, not a recursion.
    if (this.handingOut) return;
    this.handingOut = true;
    while (this.takenCount < this.most) {
      const waiter = this.queue.shift();
      if (waiter === undefined) break;
      this.takenCount++;
      waiter.stopWaiting();
      waiter.granted();
    }
    this.handingOut = false;
  }

  private mayOvertake(level: number): boolean {
    return level < URGENT_LEVELS && !this.queue.hasAtLeast(level);
  }
}
