import { InvalidArgumentError } from 'commander';
import { formatDuration, parseDuration } from 'breakwater/options';

/** A rate as the command line writes it: so many calls in so long. */
export interface Rate {
  readonly limit: number;
  readonly periodMs: number;
}

/** Parser of an option that takes a whole number of this range. */
export function wholeNumber(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= lowest && value <= highest) return value;
    const range = highest === Infinity ? `${lowest} or more` : `${lowest} to ${highest}`;
    throw new InvalidArgumentError(`Expected a whole number, ${range}.`);
  };
}

/** Parser of an option that takes a number of this range, its lower end excluded. */
export function ratio(highest: number): (text: string) => number {
  return (text) => {
    const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value > 0 && value <= highest) return value;
    throw new InvalidArgumentError(`Expected a ratio above 0, at most ${highest}, such as 0.5.`);
  };
}

/** Parser of an option that takes a duration of this range. */
export function duration(lowestMs: number, highestMs: number): (text: string) => number {
  return (text) => {
    let value = Number.NaN;
    try {
      value = parseDuration(text);
    } catch {
      // Told below, with the range.
    }
    if (value >= lowestMs && value <= highestMs) return value;
    throw new InvalidArgumentError(
      `Expected a duration from ${formatDuration(lowestMs)} to ${formatDuration(highestMs)}, such as 250ms, 30s, 5m, 1h, 1d.`,
    );
  };
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `600/m`, `10/s`, `1000/h`, `50000/d`. */
export function rate(text: string): Rate {
  const [, amount, unit] = /^(\d+)\/(?:1)?(s|m|h|d)$/.exec(text.trim()) ?? [];
  const limit = Number(amount);
  const periodMs = unitMs[unit ?? ''];
  if (periodMs === undefined || !(limit >= 1 && limit <= 10_000_000)) {
    throw new InvalidArgumentError('Expected calls per s, m, h or d, 1 to 10000000, such as 10/s, 600/m, 1000/h.');
  }
  return { limit, periodMs };
}

/** A JSON pointer, as its tokens are checked elsewhere; one character for a delimiter. */
export function delimiter(text: string): string {
  const named: Readonly<Record<string, string>> = { tab: '\t', '\\t': '\t', comma: ',', semicolon: ';', pipe: '|' };
  const value = named[text] ?? text;
  if (value.length === 1 && value !== '"' && value !== '\n' && value !== '\r') return value;
  throw new InvalidArgumentError('Expected one character, or comma, semicolon, tab, pipe.');
}
