/**
 * Providers write the time of a reset in every way there is. What a bare number means is told by its size: below a
 * hundred million it is seconds from now (three years), above it is seconds since 1970, above a hundred billion
 * milliseconds since 1970. Go's durations (`6m0s`, `12ms`) and ISO dates say themselves what they are.
 */
import type { WallMs } from '../clock/clock.ts';
import { parseHttpDate } from './http-date.ts';

const LEAST_EPOCH_SECONDS = 100_000_000;
const LEAST_EPOCH_MS = 100_000_000_000;
const UNIT_MS: Readonly<Record<string, number>> = Object.freeze({
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
});

/** How many milliseconds from `wallTime` a reset is, 0 when it has passed; undefined when the value says nothing. */
export function parseResetTime(value: string, wallTime: WallMs): number | undefined {
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return fromNumber(Number(text), wallTime);
  const duration = parseGoDuration(text);
  if (duration !== undefined) return duration;
  const date = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : (parseHttpDate(text, wallTime) ?? Number.NaN);
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallTime);
}

function fromNumber(amount: number, wallTime: WallMs): number | undefined {
  if (!Number.isFinite(amount)) return undefined;
  if (amount >= LEAST_EPOCH_MS) return Math.max(0, amount - wallTime);
  if (amount >= LEAST_EPOCH_SECONDS) return Math.max(0, amount * 1_000 - wallTime);
  return amount * 1_000;
}

/** `6m0s`, `1h2m3.5s`, `12ms`. */
function parseGoDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    total += Number(amount) * UNIT_MS[unit!]!;
  return total;
}
