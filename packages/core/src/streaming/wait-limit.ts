import type { Clock } from '../clock/clock.ts';
import { TimeoutEntry, type TimeoutLane, timeoutQueueOf } from '../clock/timeout-queue.ts';

/** A limit on a wait that comes again and again, such as that for the next chunk. Cheap to start and to stop. */
export class WaitLimit extends TimeoutEntry {
  private readonly lane: TimeoutLane | undefined;
  private readonly onExpiry: (timeoutMs: number) => void;

  /** @param timeoutMs Infinity for no limit. */
  constructor(clock: Clock, timeoutMs: number, onExpiry: (timeoutMs: number) => void) {
    super();
    this.lane = timeoutMs === Infinity ? undefined : timeoutQueueOf(clock).lane(timeoutMs);
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
    this.onExpiry(this.lane!.durationMs);
  }
}
