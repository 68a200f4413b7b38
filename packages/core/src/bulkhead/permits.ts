import { LevelQueue } from '../structures/level-queue.ts';
import { PRIORITY_LEVELS } from '../policy/priority.ts';
import type { Waiter } from './waiter.ts';

/** Levels below this one try for a permit before they queue: critical and high. */
const URGENT_LEVELS = 2;

/** A number of permits, and the queue of those who wait for one: first come, first served within a level. */
export class Permits {
  readonly #most: number;
  readonly #maxQueue: number;
  readonly #queue: LevelQueue<Waiter> = new LevelQueue(PRIORITY_LEVELS);
  #taken = 0;
  #handingOut = false;

  constructor(most: number, maxQueue: number) {
    this.#most = most;
    this.#maxQueue = maxQueue;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Takes a permit when one is free and nobody of the same level or above waits for it. */
  tryTake(level: number): boolean {
    if (this.#taken >= this.#most || (this.#queue.size > 0 && !this.#mayOvertake(level))) return false;
    this.#taken++;
    return true;
  }

  /** Puts a waiter into the queue; false when it is full. */
  enqueue(waiter: Waiter): boolean {
    if (this.#queue.size >= this.#maxQueue) return false;
    this.#queue.append(waiter, waiter.level);
    return true;
  }

  /** Takes a waiter out of the queue; false when it does not wait any more. */
  leaveQueue(waiter: Waiter): boolean {
    waiter.stopWaiting();
    return this.#queue.remove(waiter);
  }

  /** Gives a permit back; the next waiter gets it. */
  give(): void {
    this.#taken--;
    // A waiter whose function is synchronous gives its permit back from within granted(): a loop, not a recursion.
    if (this.#handingOut) return;
    this.#handingOut = true;
    while (this.#taken < this.#most) {
      const waiter = this.#queue.shift();
      if (waiter === undefined) break;
      this.#taken++;
      waiter.stopWaiting();
      waiter.granted();
    }
    this.#handingOut = false;
  }

  #mayOvertake(level: number): boolean {
    if (level >= URGENT_LEVELS) return false;
    for (let above = 0; above <= level; above++) if (this.#queue.sizeOf(above) > 0) return false;
    return true;
  }
}
