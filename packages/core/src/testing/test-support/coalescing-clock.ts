import type { Clock, MonotonicMs, Timer, WallMs } from '../../clock/clock.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';

/** A virtual clock that coalesces as the system's does, and counts what is asked of it. */
export class CoalescingClock implements Clock {
  readonly coalesces = true;
  readings = 0;
  timersSet = 0;
  readonly virtual: VirtualClock = new VirtualClock();

  now(): MonotonicMs {
    this.readings++;
    return this.virtual.now();
  }

  wallTime(): WallMs {
    this.readings++;
    return this.virtual.wallTime();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    this.timersSet++;
    return this.virtual.setTimer(delayMs, callback);
  }
}
