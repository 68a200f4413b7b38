/**
 * Moments are compared in whole microseconds since 1970: stations write six digits, and two readings of one millisecond have
 * an order. From 1970 to 2255 such a number is exact in a double, in Lua and in SQLite.
 */
import { timestampMs } from '@breakwater/device-client/contract';

const FRACTION = /[.,](\d+)/;

/** The moment in microseconds since 1970; undefined where the text is no timestamp, or one before 1970. */
export function timestampUs(text: string): number | undefined {
  const ms = timestampMs(text);
  if (ms === undefined || ms < 0) return undefined;
  const digits = FRACTION.exec(text)?.[1];
  return digits === undefined ? ms * 1_000 : Math.floor(ms / 1_000) * 1_000_000 + micros(digits);
}

const micros = (digits: string): number => Number(digits.slice(0, 6).padEnd(6, '0'));
