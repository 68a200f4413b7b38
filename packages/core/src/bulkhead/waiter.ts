import { TimeoutEntry, type TimeoutLane } from '../clock/timeout-queue.ts';
import { LeveledNode } from '../structures/level-queue.ts';

/** Somebody who waits for a permit; in the queue by its links, under a time limit by its expiry. */
export abstract class Waiter extends LeveledNode {
  private expiry: WaitExpiry | undefined = undefined;

  /** The permit is this waiter's. */
  abstract granted(): void;
  /** It has waited too long. */
  abstract refused(): void;

  /** Limits the wait; `expired` takes the waiter out of its queue. */
  limit(lane: TimeoutLane, expired: (waiter: Waiter) => void): void {
    this.expiry = new WaitExpiry(this, lane, expired);
    lane.add(this.expiry);
  }

  /** Ends the time limit. */
  stopWaiting(): void {
    this.expiry?.lane.remove(this.expiry);
  }
}

class WaitExpiry extends TimeoutEntry {
  readonly lane: TimeoutLane;
  private readonly waiter: Waiter;
  private readonly expired: (waiter: Waiter) => void;

  constructor(waiter: Waiter, lane: TimeoutLane, expired: (waiter: Waiter) => void) {
    super();
    this.lane = lane;
    this.waiter = waiter;
    this.expired = expired;
  }

  override onTimeout(): void {
    this.expired(this.waiter);
  }
}
