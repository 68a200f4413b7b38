import { TIMESTAMP_PATTERN } from './limits.ts';

const TIMESTAMP = new RegExp(TIMESTAMP_PATTERN);
const ZONE = /(?:Z|[+-]\d{2}(?::?\d{2})?)$/i;

/**
 * The moment of a timestamp in milliseconds since 1970, or undefined where it is none, such as 30 February. Without a
 * zone it is UTC; what is finer than a millisecond is cut off.
 */
export function timestampMs(text: string): number | undefined {
  if (!TIMESTAMP.test(text)) return undefined;
  const date = text.slice(0, 10);
  // The usual form needs no changes.
  if (text.length === 24 && text[10] === 'T' && text[19] === '.' && text[23] === 'Z') return momentOf(date, text);
  const zone = ZONE.exec(text.slice(10))?.[0] ?? '';
  const time = text.slice(11, text.length - zone.length).replace(',', '.');
  return momentOf(date, `${date}T${time}${zoneOffset(zone)}`);
}

function momentOf(date: string, text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) || !isDayOfMonth(date) ? undefined : ms;
}

/** As `Date.parse` wants it everywhere: `Z` or `+hh:mm`. */
function zoneOffset(zone: string): string {
  if (zone === '' || zone === 'Z' || zone === 'z') return 'Z';
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  return `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`;
}

/** `Date.parse` takes 30 February for 1 March; up to the 28th every month has every day. */
function isDayOfMonth(date: string): boolean {
  return Number(date.slice(8)) <= 28 || new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}
