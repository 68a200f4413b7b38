/**
 * The three forms of a date in HTTP (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, and the obsolete
 * `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`. `Date.parse` takes much that is none of them (`5` is
 * a year to it) and reads the third one in the zone of the machine.
 */
import type { WallMs } from '../clock/clock.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)';
const FORMS: readonly RegExp[] = [
  new RegExp(`^[A-Z][a-z]{2}, (?<day>\\d\\d) (?<month>[A-Z][a-z]{2}) (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^[A-Z][a-z]{5,8}, (?<day>\\d\\d)-(?<month>[A-Z][a-z]{2})-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

/**
 * A date of HTTP as wall-clock time; undefined when it is none.
 *
 * @param wallTime Now: a year of two digits is the nearest that is not more than 50 years ahead.
 */
export function parseHttpDate(value: string, wallTime: WallMs): WallMs | undefined {
  for (const form of FORMS) {
    const parts = form.exec(value.trim())?.groups;
    if (parts === undefined) continue;
    const month = MONTHS.indexOf(parts['month']!);
    const [day, hour, minute, second] = ['day', 'hour', 'minute', 'second'].map((part) => Number(parts[part]));
    if (month < 0 || day! < 1 || day! > 31 || hour! > 23 || minute! > 59 || second! > 60) return undefined;
    return Date.UTC(fullYear(parts['year']!, wallTime), month, day, hour, minute, second) as WallMs;
  }
  return undefined;
}

function fullYear(digits: string, wallTime: WallMs): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(wallTime).getUTCFullYear();
  const inThisCentury = thisYear - (thisYear % 100) + Number(digits);
  return inThisCentury > thisYear + 50 ? inThisCentury - 100 : inThisCentury;
}
