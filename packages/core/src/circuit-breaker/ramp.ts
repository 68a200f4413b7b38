/** The shares of the calls that are let through one after the other before all are. */
const SHARES = Object.freeze([0.1, 0.25, 0.5]);

/** Which share of the calls a breaker lets through that closed so long ago; 1 when its ramp is over. */
export function rampShare(elapsedMs: number, rampMs: number): number {
  return SHARES[stepAt(elapsedMs, rampMs)] ?? 1;
}

/** How long until that share grows, in milliseconds; only while it is below 1. */
export function nextRampStepMs(elapsedMs: number, rampMs: number): number {
  return ((stepAt(elapsedMs, rampMs) + 1) * rampMs) / SHARES.length - elapsedMs;
}

function stepAt(elapsedMs: number, rampMs: number): number {
  return Math.floor((SHARES.length * elapsedMs) / rampMs);
}
