import type { TierRecord } from '../../tier/tier-store.ts';

/** How many digits a version has, and an expiry. */
const DIGITS = 16;
const ZERO = 48;

/**
 * What Redis holds under the key of a value.
 *
 * @param now The server's time in milliseconds.
 * @throws TypeError for what is neither bytes nor nothing.
 */
export function recordOf(held: unknown, now: number): TierRecord | undefined {
  if (held === null || held === undefined) return undefined;
  if (!(held instanceof Uint8Array)) throw new TypeError('the port of Redis must give values as bytes');
  const version = numberAt(held, 0);
  if (held.length === DIGITS && version > 0) return { version, bytes: undefined, remainingMs: 0 };
  const expiresAt = numberAt(held, DIGITS);
  // Something else stands there: it will be found out as what it is.
  if (!(version > 0 && expiresAt >= 0)) return { version: 0, bytes: held, remainingMs: Infinity };
  const remainingMs = expiresAt === 0 ? Infinity : expiresAt - now;
  return { version, bytes: remainingMs > 0 ? held.subarray(2 * DIGITS) : undefined, remainingMs };
}

/** The number whose digits stand from `start` on; NaN where there are none. */
function numberAt(bytes: Uint8Array, start: number): number {
  let number = 0;
  for (let at = start; at < start + DIGITS; at++) {
    const digit = bytes[at]! - ZERO;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    number = number * 10 + digit;
  }
  return number;
}
