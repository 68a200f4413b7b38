import type { Clock, MonotonicMs, Random, Timer, WallMs } from 'breakwater/clock';
import { microtasks } from '../../../src/testing/test-support/watched.ts';

interface Due {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * A clock for millions of timers, which a virtual clock would take minutes for: a heap, and after each timer a few
 * microtasks in place of a turn of the event loop. Timers can't be cancelled.
 */
export class SimulatedTime implements Clock {
  private time = 0;
  private readonly heap: Due[] = [];

  now(): MonotonicMs {
    return this.time as MonotonicMs;
  }

  wallTime(): WallMs {
    return this.time as WallMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const due = { at: this.time + delayMs, callback };
    const { heap } = this;
    let index = heap.push(due) - 1;
    for (let parent = (index - 1) >> 1; index > 0 && heap[parent]!.at > due.at; parent = (index - 1) >> 1) {
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = due;
    return {
      cancel: () => {
        throw new Error('a timer of simulated time is not cancelled');
      },
    };
  }

  /** Fires everything that is due until then. */
  async runUntil(endMs: number): Promise<void> {
    for (let next = this.heap[0]; next !== undefined && next.at <= endMs; next = this.heap[0]) {
      this.takeFirst();
      this.time = next.at;
      next.callback();
      await microtasks(3);
    }
    this.time = endMs;
  }

  private takeFirst(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

/** A random duration with this mean, as between independent events. */
export function exponentialMs(random: Random, meanMs: number): number {
  return -meanMs * Math.log(1 - random.next());
}
