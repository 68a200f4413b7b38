import type { Clock, Timer } from '../clock/clock.ts';
import { resolveOptions } from '../options/resolve.ts';
import { positiveMilliseconds } from '../options/rules.ts';
import type { LoadReader, LoadSource } from './load-source.ts';

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
  private timer: Timer | undefined = undefined;
  private asked = false;
  private askedAt = 0;
  private delayMs = 0;

  /** @param keepMs For how long it goes on measuring after it was asked. */
  constructor(clock: Clock, keepMs: number) {
    this.clock = clock;
    this.keepMs = keepMs;
  }

  /** The delay; 0 at first, and when it has not been asked for long. Reads no clock. */
  read(): number {
    this.asked = true;
    if (this.timer === undefined) {
      this.delayMs = 0;
      this.tick();
    }
    return this.delayMs;
  }

  /** Stops measuring until it is asked again. */
  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private tick(): void {
    const now = this.clock.now();
    if (this.asked) this.askedAt = now;
    this.asked = false;
    const onTick = (): void => {
      this.delayMs += SMOOTHING * (Math.max(0, this.clock.now() - now - TICK_MS) - this.delayMs);
      this.timer = undefined;
      if (this.asked || this.clock.now() - this.askedAt < this.keepMs) this.tick();
    };
    this.timer = this.clock.setTimer(TICK_MS, onTick, true);
  }
}

/** Options of {@link eventLoopDelay}. */
export interface EventLoopDelayOptions {
  /** The delay in milliseconds that is a load of 1, above 0; default 100. */
  readonly maxMs?: number | undefined;
  /**
   * For how long a reader goes on measuring that nobody asks, in milliseconds, above 0; default 60,000. A reader that is
   * asked less often than that always tells 0.
   */
  readonly keepMs?: number | undefined;
}

/** The defaults of the event loop's delay as a source of load. */
export const eventLoopDelayDefaults: { readonly maxMs: number; readonly keepMs: number } = Object.freeze({
  maxMs: 100,
  keepMs: 60_000,
});

/**
 * The delay of the event loop as a load: how late a timer is that is set every 50 milliseconds, smoothed over five of
 * them, so that one pause of the garbage collector is not taken for too much work. It is 0 at first.
 *
 * @throws ConfigurationError
 */
export function eventLoopDelay(options: EventLoopDelayOptions = {}): LoadSource {
  const rules = { maxMs: positiveMilliseconds(), keepMs: positiveMilliseconds() };
  const { maxMs, keepMs } = resolveOptions('eventLoopDelay', options, eventLoopDelayDefaults, rules);
  return Object.freeze({
    name: 'event-loop-delay',
    createReader: (clock: Clock): LoadReader => {
      const delay = new EventLoopDelay(clock, keepMs);
      return { read: () => delay.read() / maxMs, stop: () => delay.stop() };
    },
  });
}
