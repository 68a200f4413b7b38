import type { Clock, MonotonicMs, Timer, WallMs } from './clock.ts';

/** The longest delay that setTimeout keeps; beyond it fires at once (2^31 − 1 ms, 24.8 days). */
const LONGEST_PLATFORM_DELAY_MS = 2_147_483_647;

// The global is a getter that costs more than the reading.
const platform = performance;
const now = (): MonotonicMs => platform.now() as MonotonicMs;

class SystemTimer implements Timer {
  private readonly dueAt: number;
  private readonly callback: () => void;
  private readonly background: boolean;
  private handle: ReturnType<typeof setTimeout>;

  constructor(delayMs: number, callback: () => void, background: boolean) {
    this.dueAt = now() + delayMs;
    this.callback = callback;
    this.background = background;
    this.handle = this.arm(delayMs);
  }

  cancel(): void {
    clearTimeout(this.handle);
  }

  private arm(delayMs: number): ReturnType<typeof setTimeout> {
    const handle = setTimeout(() => this.fire(), Math.min(Math.ceil(delayMs), LONGEST_PLATFORM_DELAY_MS));
    if (this.background) (handle as { unref?(): void }).unref?.();
    return handle;
  }

  /** Platforms round to whole milliseconds of their own loop time and may fire a fraction early. */
  private fire(): void {
    const leftMs = this.dueAt - now();
    if (leftMs > 0) this.handle = this.arm(leftMs);
    else this.callback();
  }
}

/** The clock of the process: performance.now, Date.now and setTimeout. */
export const systemClock: Clock = Object.freeze({
  coalesces: true,
  now,
  wallTime: () => Date.now() as WallMs,
  setTimer: (delayMs: number, callback: () => void, background = false): Timer =>
    new SystemTimer(delayMs, callback, background),
});
