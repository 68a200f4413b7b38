/**
 * How a configuration that came from a file is read. A field says two things of one value: what its JSON Schema is, and
 * how it becomes plain data in the library's units: `"10s"` becomes 10,000, everything else stays what it is. What comes
 * out can be compared: two configurations that mean the same give the same data.
 */
import { parseDuration } from '../options/duration.ts';
import { describe } from '../options/resolve.ts';
import type { Faults } from './faults.ts';

/** A JSON Schema, or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** How one value is read. */
export interface Field<T = unknown> {
  readonly schema: JsonSchema;
  /** Whether null is a value as any other, and does not count as not given. */
  readonly takesNull?: boolean;
  /** The value as plain data; undefined after a fault. */
  read(value: unknown, path: string, faults: Faults): T | undefined;
}

/** The fields of an object. */
export type Fields = Readonly<Record<string, Field>>;

/** What is read by these fields. */
export type Read<F extends Fields> = { readonly [Key in keyof F]?: F[Key] extends Field<infer T> ? T : never };

/** A duration: milliseconds as a number, or text such as `250ms`, `30s`, `5m`, `1h`, `1d`. */
export function duration(about: string, leastMs = 0, mostMs: number = Number.MAX_SAFE_INTEGER): Field<number> {
  const bounds = [
    leastMs > 0 ? `of at least ${leastMs} ms` : '',
    mostMs < Number.MAX_SAFE_INTEGER ? `of at most ${mostMs} ms` : '',
  ].filter((bound) => bound !== '');
  const said = bounds.length === 0 ? '' : `, ${bounds.join(' and ')}`;
  return {
    schema: {
      description: `${about} Milliseconds, or text such as 250ms, 30s, 5m, 1h, 1d${said}.`,
      anyOf: [
        { type: 'number', minimum: leastMs, maximum: mostMs },
        // What a pattern can tell of a least duration: that it is not 0.
        { type: 'string', pattern: `^\\s*${leastMs > 0 ? NOT_ZERO : ''}\\d+(\\.\\d+)?(ms|s|m|h|d)\\s*$` },
      ],
    },
    read(value, path, faults) {
      const ms = typeof value === 'string' ? durationIn(value) : value;
      if (typeof ms === 'number' && ms >= leastMs && ms <= mostMs) return ms;
      return faults.add(path, `a duration such as 250ms, 30s or 5m${said}`, value);
    },
  };
}

const NOT_ZERO = String.raw`(?!0+(\.0+)?\D)`;

function durationIn(value: string): number | undefined {
  try {
    return parseDuration(value);
  } catch {
    // Whoever asked tells what was expected, and where.
    return undefined;
  }
}

/** An integer. */
export function integer(about: string, least: number, most: number = Number.MAX_SAFE_INTEGER): Field<number> {
  const upper = most < Number.MAX_SAFE_INTEGER ? ` and at most ${most}` : '';
  return {
    schema: { description: about, type: 'integer', minimum: least, maximum: most },
    read: (value, path, faults) =>
      Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
        ? (value as number)
        : faults.add(path, `an integer of at least ${least}${upper}`, value),
  };
}

/** A number. */
export function number(about: string, least: number, most: number): Field<number> {
  const upper = most === Infinity ? {} : { maximum: most };
  return {
    schema: { description: about, type: 'number', minimum: least, ...upper },
    read: (value, path, faults) =>
      typeof value === 'number' && value >= least && value <= most
        ? value
        : faults.add(path, `a number of at least ${least}${most === Infinity ? '' : ` and at most ${most}`}`, value),
  };
}

/** A number above 0. */
export function positive(about: string): Field<number> {
  return {
    schema: { description: about, type: 'number', exclusiveMinimum: 0 },
    read: (value, path, faults) =>
      typeof value === 'number' && value > 0 ? value : faults.add(path, 'a number above 0', value),
  };
}

/** A ratio above 0 and at most 1. */
export function ratio(about: string): Field<number> {
  return {
    schema: { description: about, type: 'number', exclusiveMinimum: 0, maximum: 1 },
    read: (value, path, faults) =>
      typeof value === 'number' && value > 0 && value <= 1
        ? value
        : faults.add(path, 'a ratio above 0 and at most 1', value),
  };
}

/** true or false. */
export function flag(about: string): Field<boolean> {
  return {
    schema: { description: about, type: 'boolean' },
    read: (value, path, faults) => (typeof value === 'boolean' ? value : faults.add(path, 'true or false', value)),
  };
}

/** A string that is not empty. */
export function text(about: string): Field<string> {
  return {
    schema: { description: about, type: 'string', minLength: 1 },
    read: (value, path, faults) =>
      typeof value === 'string' && value !== '' ? value : faults.add(path, 'a string that is not empty', value),
  };
}

/** One of a few words. */
export function choice<const Words extends readonly string[]>(about: string, ...words: Words): Field<Words[number]> {
  return {
    schema: { description: about, enum: words },
    read(value, path, faults) {
      if (typeof value !== 'string') return faults.add(path, `one of ${words.join(', ')}`, value);
      return words.includes(value) ? value : faults.addUnknown(path, value, words, describe(value));
    },
  };
}

/** An HTTP status. */
export function status(about: string): Field<number> {
  return {
    schema: { description: about, type: 'integer', minimum: 100, maximum: 599 },
    read: (value, path, faults) =>
      Number.isInteger(value) && (value as number) >= 100 && (value as number) <= 599
        ? (value as number)
        : faults.add(path, 'an HTTP status', value),
  };
}

/** Any value that JSON can hold. */
export function json(about: string): Field {
  return {
    schema: { description: about },
    takesNull: true,
    read: (value, path, faults) => (isJson(value) ? value : faults.add(path, 'a value that JSON can hold', value)),
  };
}

/** @param within The objects around it: YAML can put one into itself. */
function isJson(value: unknown, within: readonly unknown[] = []): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value !== 'object' || within.includes(value)) return false;
  const isPlain = Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value) as null);
  return isPlain && Object.values(value).every((inner) => isJson(inner, [...within, value]));
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
