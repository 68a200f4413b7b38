/** How much room a queue has: how many wait, what they cost together, and who makes room when it is full. */
import { PRIORITY_LEVELS } from '../../policy/priority.ts';
import { LevelQueue } from '../../structures/level-queue.ts';
import { costAt, type Costs } from '../cost.ts';
import { type AdmissionRequest, Arrival, type Waiter } from './waiter.ts';

/** What becomes of a newcomer when the queue is full. */
export type OnFull = 'reject' | 'drop-oldest' | 'drop-lowest';

/** Bounds of a queue. */
export interface QueueBounds {
  readonly maxQueue: number;
  /** For each limit, what those who wait may cost together. */
  readonly maxQueueCosts: readonly number[];
  readonly onFull: OnFull;
}

export class QueueRoom {
  /** How many wait. */
  waiting = 0;
  private readonly bounds: QueueBounds;
  /** All who wait in the order of their arrival, level by level; kept only where a full queue makes room. */
  private readonly arrivals: LevelQueue<Arrival> | undefined;
  /** How many wait, and what they cost limit by limit, level by level. */
  private readonly counts: number[] = new Array<number>(PRIORITY_LEVELS).fill(0);
  private readonly costs: readonly number[][];

  /** @param limits How many limits there are. */
  constructor(bounds: QueueBounds, limits: number) {
    this.bounds = bounds;
    this.arrivals = bounds.onFull === 'reject' ? undefined : new LevelQueue(PRIORITY_LEVELS);
    this.costs = Array.from({ length: limits }, () => new Array<number>(PRIORITY_LEVELS).fill(0));
  }

  /** Whether a newcomer fits in. */
  isThere({ costs }: AdmissionRequest): boolean {
    return this.isBeside(costs, PRIORITY_LEVELS);
  }

  /** Whether a newcomer fits in once all have gone that may be dropped for it: otherwise nobody is. */
  canBeMade({ costs, level }: AdmissionRequest): boolean {
    const { onFull } = this.bounds;
    return this.isBeside(costs, onFull === 'reject' ? PRIORITY_LEVELS : onFull === 'drop-lowest' ? level + 1 : level);
  }

  /** Who goes for a newcomer of `level`: nobody that is more urgent than that. */
  victim(level: number): Waiter | undefined {
    return this.bounds.onFull === 'drop-lowest' ? this.latestBelow(level) : this.longestFrom(level);
  }

  entered(waiter: Waiter): void {
    if (this.arrivals !== undefined) this.arrivals.append((waiter.arrival = new Arrival(waiter)));
    this.count(waiter.request, 1);
  }

  left(waiter: Waiter): void {
    if (waiter.arrival !== undefined) this.arrivals!.remove(waiter.arrival);
    this.count(waiter.request, -1);
  }

  /** Whether there is room beside those who wait on the most urgent `levels` levels. */
  private isBeside(costs: Costs, levels: number): boolean {
    const { maxQueue, maxQueueCosts } = this.bounds;
    if (sumOf(this.counts, levels) >= maxQueue) return false;
    return this.costs.every((own, index) => sumOf(own, levels) + costAt(costs, index) <= maxQueueCosts[index]!);
  }

  private latestBelow(level: number): Waiter | undefined {
    for (let lowest = PRIORITY_LEVELS - 1; lowest > level; lowest--) {
      const last = this.arrivals!.lastOf(lowest);
      if (last !== undefined) return last.waiter;
    }
    return undefined;
  }

  private longestFrom(level: number): Waiter | undefined {
    let oldest: Waiter | undefined;
    for (let at = level; at < PRIORITY_LEVELS; at++) {
      const first = this.arrivals!.firstOf(at)?.waiter;
      if (first !== undefined && (oldest === undefined || first.sequence < oldest.sequence)) oldest = first;
    }
    return oldest;
  }

  private count({ costs, level }: AdmissionRequest, sign: 1 | -1): void {
    this.waiting += sign;
    this.counts[level]! += sign;
    for (let index = 0; index < this.costs.length; index++) {
      const own = this.costs[index]!;
      // Sums of fractions drift; nobody who waits costs nothing.
      own[level] = this.counts[level] === 0 ? 0 : own[level]! + sign * costAt(costs, index);
    }
  }
}

function sumOf(numbers: readonly number[], first: number): number {
  let sum = 0;
  for (let at = 0; at < first; at++) sum += numbers[at]!;
  return sum;
}
