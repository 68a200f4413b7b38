import type { Clock, MonotonicMs, Timer, WallMs } from './clock.ts';

/** The longest delay that setTimeout keeps; beyond it fires at once (2^31 − 1 ms, 24.8 days). */
const LONGEST_PLATFORM_DELAY_MS = 2_147_483_647;

class SystemTimer implements Timer {
  readonly #dueAt: number;
  readonly #callback: () => void;
  #handle: ReturnType<typeof setTimeout>;

  constructor(delayMs: number, callback: () => void) {
    this.#dueAt = performance.now() + delayMs;
    this.#callback = callback;
    this.#handle = this.#arm(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  #arm(delayMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#fire(), Math.min(Math.ceil(delayMs), LONGEST_PLATFORM_DELAY_MS));
  }

  /** Platforms round to whole milliseconds of their own loop time and may fire a fraction early. */
  #fire(): void {
    const leftMs = this.#dueAt - performance.now();
    if (leftMs > 0) this.#handle = this.#arm(leftMs);
    else this.#callback();
  }
}

/** The clock of the process: performance.now, Date.now and setTimeout. */
export const systemClock: Clock = Object.freeze({
  coalesces: true,
  now: () => performance.now() as MonotonicMs,
  wallTime: () => Date.now() as WallMs,
  setTimer: (delayMs: number, callback: () => void): Timer => new SystemTimer(delayMs, callback),
});
