import type { Clock } from '../../clock/clock.ts';

/** A clock that is moved by hand, with steps as uneven as those of a real one; it fires no timers. */
export interface SteppedClock extends Clock {
  step(ms: number): void;
}

export function steppedClock(startMs: number): SteppedClock {
  let nowMs = startMs;
  return {
    now: () => nowMs as never,
    wallTime: () => 0 as never,
    setTimer: () => ({ cancel: () => undefined }),
    step: (ms) => (nowMs += ms),
  };
}
