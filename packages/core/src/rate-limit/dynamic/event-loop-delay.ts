import type { Clock } from '../../clock/clock.ts';

const TICK_MS = 50;
/** How much of the old value a new measurement leaves: the mean follows within about five ticks. */
const SMOOTHING = 0.2;

/**
 * How late the program's timers are, in milliseconds, smoothed: what a program that has too much to do shows first. While
 * it is asked now and then, a background timer measures it.
 */
export class EventLoopDelay {
  private readonly clock: Clock;
  private readonly keepMs: number;
  private isTicking = false;
  private askedAt = 0;
  private delayMs = 0;

  /** @param keepMs For how long it goes on measuring after it was asked. */
  constructor(clock: Clock, keepMs: number) {
    this.clock = clock;
    this.keepMs = keepMs;
  }

  /** The delay; 0 at first, and when it has not been asked for long. */
  read(): number {
    this.askedAt = this.clock.now();
    if (!this.isTicking) {
      this.delayMs = 0;
      this.tick();
    }
    return this.delayMs;
  }

  private tick(): void {
    this.isTicking = true;
    const dueAt = this.clock.now() + TICK_MS;
    const onTick = (): void => {
      const now = this.clock.now();
      this.delayMs += SMOOTHING * (Math.max(0, now - dueAt) - this.delayMs);
      this.isTicking = false;
      if (now - this.askedAt < this.keepMs) this.tick();
    };
    this.clock.setTimer(TICK_MS, onTick, true);
  }
}
