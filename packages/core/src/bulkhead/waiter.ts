import { TimeoutEntry, type TimeoutLane } from '../clock/timeout-queue.ts';
import { ListNode } from '../structures/intrusive-list.ts';

/** Somebody who waits for a permit; in the queue by its links, under a time limit by its expiry. */
export abstract class Waiter extends ListNode {
  readonly level: number;
  #expiry: WaitExpiry | undefined = undefined;

  constructor(level: number) {
    super();
    this.level = level;
  }

  /** The permit is this waiter's. */
  abstract granted(): void;
  /** It has waited too long. */
  abstract refused(): void;

  /** Limits the wait; `expired` takes the waiter out of its queue. */
  limit(lane: TimeoutLane, expired: (waiter: Waiter) => void): void {
    this.#expiry = new WaitExpiry(this, lane, expired);
    lane.add(this.#expiry);
  }

  /** Ends the time limit. */
  stopWaiting(): void {
    this.#expiry?.lane.remove(this.#expiry);
  }
}

class WaitExpiry extends TimeoutEntry {
  readonly lane: TimeoutLane;
  readonly #waiter: Waiter;
  readonly #expired: (waiter: Waiter) => void;

  constructor(waiter: Waiter, lane: TimeoutLane, expired: (waiter: Waiter) => void) {
    super();
    this.lane = lane;
    this.#waiter = waiter;
    this.#expired = expired;
  }

  override onTimeout(): void {
    this.#expired(this.#waiter);
  }
}
