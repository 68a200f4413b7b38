import type { Clock } from '../clock/clock.ts';
import { TimeoutEntry, type TimeoutLane, timeoutQueueOf } from '../clock/timeout-queue.ts';

/** Where limits of this length stand while they wait; undefined for Infinity, which is no limit. */
export function waitLane(clock: Clock, timeoutMs: number): TimeoutLane | undefined {
  return timeoutMs === Infinity ? undefined : timeoutQueueOf(clock).lane(timeoutMs);
}

/** A limit on a wait that comes again and again, such as that for the next chunk. Cheap to start and to stop. */
export class WaitLimit extends TimeoutEntry {
  private readonly lane: TimeoutLane | undefined;
  private readonly onExpiry: () => void;

  /** @param lane Of {@link waitLane}. */
  constructor(lane: TimeoutLane | undefined, onExpiry: () => void) {
    super();
    this.lane = lane;
    this.onExpiry = onExpiry;
  }

  /** The wait begins. */
  start(): void {
    this.lane?.add(this);
  }

  /** The wait is over; harmless when none has begun. */
  stop(): void {
    this.lane?.remove(this);
  }

  override onTimeout(): void {
    this.onExpiry();
  }
}
