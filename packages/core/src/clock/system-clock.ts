import type { Clock, MonotonicMs, Timer, WallMs } from './clock.ts';

/** The longest delay that setTimeout keeps; beyond it fires at once (2^31 − 1 ms, 24.8 days). */
const LONGEST_PLATFORM_DELAY_MS = 2_147_483_647;

// The global is a getter that costs more than the reading.
const platform = performance;
const now = (): MonotonicMs => platform.now() as MonotonicMs;

function setTimer(delayMs: number, callback: () => void, background: boolean = false): Timer {
  const dueAt = now() + delayMs;
  let handle: ReturnType<typeof setTimeout>;
  const arm = (ms: number): void => {
    handle = setTimeout(fire, Math.min(Math.ceil(ms), LONGEST_PLATFORM_DELAY_MS));
    if (background) (handle as { unref?(): void }).unref?.();
  };
  // Platforms round to whole milliseconds of their own loop time and may fire a fraction early.
  const fire = (): void => {
    const leftMs = dueAt - now();
    if (leftMs > 0) arm(leftMs);
    else callback();
  };
  arm(delayMs);
  return { cancel: () => clearTimeout(handle) };
}

/** The clock of the process: performance.now, Date.now and setTimeout. */
export const systemClock: Clock = Object.freeze({
  coalesces: true,
  now,
  wallTime: () => Date.now() as WallMs,
  setTimer,
});
