import { TimeoutEntry, type TimeoutLane } from '../clock/timeout-queue.ts';
import { LeveledNode } from '../structures/level-queue.ts';

/** Where a waiter waits. */
interface WaitingRoom {
  expire(waiter: PermitWaiter): void;
}

/** Somebody who waits for a permit; in the queue by its links, under a time limit by its expiry. */
export abstract class PermitWaiter extends LeveledNode {
  private since = 0;
  private expiry: WaitExpiry | undefined = undefined;

  /**
   * Whether it has no use for a permit any more and will say so in this very moment: one abort, or one moment in time, ends
   * many, and whoever is told first may give a permit back before the others have heard.
   */
  abstract readonly isOver: boolean;
  /** Whether a permit has passed it by for that reason: once is enough. */
  hasBeenPassedBy = false;
  /** The permit is this waiter's. */
  abstract granted(): void;
  /** It has waited too long. */
  abstract refused(): void;

  startWaiting(now: number): void {
    this.since = now;
  }

  /** Limits the wait to the time of `lane`. */
  limit(lane: TimeoutLane, room: WaitingRoom): void {
    this.expiry = new WaitExpiry(this, lane, room);
    lane.add(this.expiry);
  }

  /** Ends the time limit; how long it has waited. */
  stopWaiting(now: number): number {
    this.expiry?.lane.remove(this.expiry);
    return now - this.since;
  }
}

class WaitExpiry extends TimeoutEntry {
  readonly lane: TimeoutLane;
  private readonly waiter: PermitWaiter;
  private readonly room: WaitingRoom;

  constructor(waiter: PermitWaiter, lane: TimeoutLane, room: WaitingRoom) {
    super();
    this.lane = lane;
    this.waiter = waiter;
    this.room = room;
  }

  override onTimeout(): void {
    this.room.expire(this.waiter);
  }
}
