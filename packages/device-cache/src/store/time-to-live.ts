import type { Random } from 'breakwater/clock';

/** How far a TTL may be longer than asked, as a ratio: devices that were written together don't all leave together. */
const TTL_JITTER_RATIO = 0.1;

/** A TTL that can change, with jitter: never shorter than it says, so that nothing leaves before its time. */
export class TimeToLive {
  ttlMs: number;
  private readonly random: Random;

  constructor(ttlMs: number, random: Random) {
    this.ttlMs = ttlMs;
    this.random = random;
  }

  /** The next TTL, in whole milliseconds. */
  drawMs(): number {
    return Math.round(this.ttlMs * (1 + TTL_JITTER_RATIO * this.random.next()));
  }
}
