import type { Clock } from './clock.ts';

const TICK_MS = 50;

/**
 * The time of a clock to within 50 ms, or to within the current turn of the event loop where that takes longer, without
 * reading the clock each time, which would cost as much as the rest of a call. While it is asked, one background timer
 * refreshes it; nobody asking for two ticks stops that. On a clock that does not coalesce it is exact.
 */
export class RecentTime {
  private readonly clock: Clock;
  private readonly exact: boolean;
  private value = 0;
  private ticking = false;
  private asked = false;

  constructor(clock: Clock) {
    this.clock = clock;
    this.exact = clock.coalesces !== true;
  }

  /** The time; never later than the clock's, never going back. */
  now(): number {
    if (!this.ticking) return this.exact ? this.clock.now() : this.start();
    this.asked = true;
    return this.value;
  }

  private start(): number {
    this.ticking = true;
    this.tick();
    return this.value;
  }

  private tick(): void {
    this.value = this.clock.now();
    this.asked = false;
    const onTick = (): void => {
      if (this.asked) this.tick();
      else this.ticking = false;
    };
    this.clock.setTimer(TICK_MS, onTick, true);
  }
}

const times: WeakMap<Clock, RecentTime> = new WeakMap();

/** The one recent time of `clock`. */
export function recentTimeOf(clock: Clock): RecentTime {
  let time = times.get(clock);
  if (time === undefined) times.set(clock, (time = new RecentTime(clock)));
  return time;
}
