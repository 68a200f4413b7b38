/**
 * What time it is at the server, the one clock by which all processes tell how long a value is good yet.
 *
 * The server says it now and then, and a monotonic clock goes on from there. What it said is taken to have been said when
 * it was asked, so this is ahead of the server by up to the time of one answer, and never behind: a value may seem to
 * expire a moment early, and never late. A server whose clock is put right is believed anew after a second.
 */
import type { Clock } from '../../../clock/clock.ts';
import { type RecentTime, recentTimeOf } from '../../../clock/recent-time.ts';

/** How long it is relied on what the server said, to within the 50 ms of the recent time. */
const BELIEVED_MS = 1_000;

export class ServerTime {
  private readonly clock: Clock;
  private readonly recent: RecentTime;
  private toldAt = -Infinity;
  private aheadMs = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.recent = recentTimeOf(clock);
  }

  /** Whether the server has told its time lately. */
  get isKnown(): boolean {
    return this.recent.now() - this.toldAt < BELIEVED_MS;
  }

  /** The server's time in milliseconds. */
  now(): number {
    return this.clock.now() + this.aheadMs;
  }

  /** When a question goes out, to be given back with its answer. */
  asking(): number {
    return this.clock.now();
  }

  /** The server said that it was this time, asked at `askedAt`. */
  told(serverMs: number, askedAt: number): void {
    if (askedAt < this.toldAt) return;
    this.toldAt = askedAt;
    this.aheadMs = serverMs - askedAt;
  }
}
