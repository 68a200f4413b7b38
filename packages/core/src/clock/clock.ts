declare const monotonicBrand: unique symbol;
declare const wallBrand: unique symbol;

/** A moment of a monotonic clock, in milliseconds since an arbitrary origin. Only differences mean something. */
export type MonotonicMs = number & { readonly [monotonicBrand]: true };

/** A moment of wall-clock time, in milliseconds since 1970-01-01 UTC. It may jump. */
export type WallMs = number & { readonly [wallBrand]: true };

/** A timer that was set; {@link Timer.cancel} is idempotent and harmless after the timer has fired. */
export interface Timer {
  cancel(): void;
}

/** Where all time in Breakwater comes from. Tests pass a VirtualClock; everything else uses {@link systemClock}. */
export interface Clock {
  /** The monotonic time: what durations and deadlines are measured with. */
  now(): MonotonicMs;
  /** The wall-clock time: for time stamps and dates that come from outside, never for durations. */
  wallTime(): WallMs;
  /**
   * Calls `callback` once, when `delayMs` have passed, never earlier. Any finite delay of 0 or more is allowed, also
   * beyond the 24.8 days that a platform timer can hold.
   *
   * @param background True for a timer that must not keep the process alive; default false.
   */
  setTimer(delayMs: number, callback: () => void, background?: boolean): Timer;
  /**
   * True when timeouts may be grouped to save timers and clock readings; they are then late by at most 1/64 of their
   * duration and 50 ms, never early. Default false: exact.
   */
  readonly coalesces?: boolean;
}
