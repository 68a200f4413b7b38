/**
 * Those who wait for one key: strictly by priority and first in, first out within one, but for one turn in fifty. That
 * turn goes to whoever has waited longest of those less urgent, so that a stream of urgent requests that takes all there
 * is does not starve the rest for ever.
 */
import { PRIORITY_LEVELS } from '../policy/priority.ts';
import { LevelQueue } from '../structures/level-queue.ts';
import type { Waiter } from './waiter.ts';

/** Of so many turns that pass somebody over, one is his: a floor of 2 %. */
const FLOOR_TURN = 50;

export class KeyQueue {
  readonly key: string | undefined;
  /** When the head may try again, in monotonic milliseconds. */
  dueAt: number = Infinity;
  /** @internal Its place in the heap of queues. */
  heapIndex = -1;
  readonly #waiting: LevelQueue<Waiter> = new LevelQueue(PRIORITY_LEVELS);
  readonly #costs: number[] = new Array<number>(PRIORITY_LEVELS).fill(0);
  #passedOver = 0;

  constructor(key: string | undefined) {
    this.key = key;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Whose turn it is. */
  head(): Waiter | undefined {
    const urgent = this.#waiting.peek();
    if (urgent === undefined || this.#passedOver < FLOOR_TURN - 1) return urgent;
    return this.#longestBelow(urgent.level) ?? urgent;
  }

  append(waiter: Waiter): void {
    this.#waiting.append(waiter);
    this.#costs[waiter.level]! += waiter.cost;
  }

  /** Takes `waiter` out; false when it does not wait here. */
  remove(waiter: Waiter): boolean {
    if (!this.#waiting.remove(waiter)) return false;
    const { level } = waiter;
    // Sums of fractions drift; an empty level costs nothing.
    this.#costs[level] = this.#waiting.firstOf(level) === undefined ? 0 : this.#costs[level]! - waiter.cost;
    return true;
  }

  /** Whether a newcomer of `level` has to wait behind somebody. */
  blocks(level: number): boolean {
    const head = this.head();
    return head !== undefined && (head.level <= level || this.#passedOver >= FLOOR_TURN - 1);
  }

  /** What those cost who come before a newcomer of `level`. */
  costAhead(level: number): number {
    let ahead = 0;
    for (let before = 0; before <= level; before++) ahead += this.#costs[before]!;
    return ahead;
  }

  /** Somebody of `level` was let through, from the queue or past it. */
  served(level: number): void {
    const lowest = this.#lowestWaiting();
    const ownTurn = this.#passedOver >= FLOOR_TURN - 1;
    if (lowest === undefined || lowest <= level || ownTurn) this.#passedOver = 0;
    else this.#passedOver++;
  }

  #lowestWaiting(): number | undefined {
    for (let level = PRIORITY_LEVELS - 1; level >= 0; level--)
      if (this.#waiting.firstOf(level) !== undefined) return level;
    return undefined;
  }

  #longestBelow(level: number): Waiter | undefined {
    let longest: Waiter | undefined;
    for (let below = level + 1; below < PRIORITY_LEVELS; below++) {
      const first = this.#waiting.firstOf(below);
      if (first !== undefined && (longest === undefined || first.sequence < longest.sequence)) longest = first;
    }
    return longest;
  }
}
