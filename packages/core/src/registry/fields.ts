/**
 * How a configuration that came from a file is read. A field says two things of one value: what its JSON Schema is, and
 * how it becomes plain data in the library's units: `"10s"` becomes 10,000, everything else stays what it is. What comes
 * out can be compared: two configurations that mean the same give the same data.
 */
import type { ConfigurationFault } from '../errors/configuration-error.ts';
import { parseDuration } from '../options/duration.ts';
import { describe, nearest } from '../options/resolve.ts';

/** A JSON Schema, or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Collects what is wrong, and where. */
export class Faults {
  readonly found: ConfigurationFault[] = [];

  add(path: string, expected: string, received: unknown): undefined {
    this.found.push({ path, expected, received: describe(received) });
  }

  /** A name that nobody knows, with a guess at which was meant. */
  addUnknown(path: string, name: string, known: readonly string[], what: string): undefined {
    const near = nearest(name, known);
    const fault = { path, expected: `one of ${known.join(', ')}`, received: what };
    this.found.push(near === undefined ? fault : { ...fault, hint: `did you mean ${near}?` });
  }
}

/** How one value is read. */
export interface Field<T = unknown> {
  readonly schema: JsonSchema;
  /** The value as plain data; undefined after a fault. */
  read(value: unknown, path: string, faults: Faults): T | undefined;
}

/** The fields of an object. */
export type Fields = Readonly<Record<string, Field>>;

/** What is read by these fields. */
export type Read<F extends Fields> = { readonly [Key in keyof F]?: F[Key] extends Field<infer T> ? T : never };

/** A duration: milliseconds as a number, or text such as `250ms`, `30s`, `5m`, `1h`, `1d`. */
export function duration(about: string, leastMs = 0): Field<number> {
  const expected = `a duration such as 250ms, 30s or 5m, of at least ${leastMs} ms`;
  return {
    schema: {
      description: `${about} ${leastMs > 0 ? `At least ${leastMs} ms. ` : ''}Milliseconds, or text such as 250ms, 30s, 5m, 1h, 1d.`,
      anyOf: [
        { type: 'number', minimum: leastMs },
        { type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$' },
      ],
    },
    read(value, path, faults) {
      const ms = typeof value === 'string' ? durationIn(value) : value;
      if (typeof ms === 'number' && Number.isFinite(ms) && ms >= leastMs) return ms;
      return faults.add(path, expected, value);
    },
  };
}

function durationIn(value: string): number | undefined {
  try {
    return parseDuration(value);
  } catch {
    // Whoever asked tells what was expected, and where.
    return undefined;
  }
}

/** An integer. */
export function integer(about: string, least: number): Field<number> {
  return {
    schema: { description: about, type: 'integer', minimum: least },
    read: (value, path, faults) =>
      Number.isSafeInteger(value) && (value as number) >= least
        ? (value as number)
        : faults.add(path, `an integer of at least ${least}`, value),
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
  return { schema: { description: about }, read: (value) => value };
}

/** An object with these fields, of which some must be there. A field that is null counts as not given. */
export function object<const F extends Fields>(
  about: string,
  fields: F,
  required: readonly (keyof F & string)[] = [],
): Field<Read<F>> {
  return {
    schema: {
      description: about,
      type: 'object',
      properties: Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema])),
      ...(required.length > 0 ? { required } : {}),
      additionalProperties: false,
    },
    read(value, path, faults) {
      // `retry:` with nothing behind it is null in YAML, and means what is usual.
      if (value === null && required.length === 0) return {};
      if (!isObject(value)) return faults.add(path, 'an object', value);
      const read: Record<string, unknown> = {};
      const before = faults.found.length;
      for (const [name, inner] of Object.entries(value)) {
        const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
        if (field === undefined) faults.addUnknown(`${path}.${name}`, name, Object.keys(fields), 'an unknown option');
        else if (inner !== null && inner !== undefined) read[name] = field.read(inner, `${path}.${name}`, faults);
      }
      for (const name of required)
        if (value[name] === undefined || value[name] === null) faults.add(`${path}.${name}`, 'a value', undefined);
      return faults.found.length > before ? undefined : (read as Read<F>);
    },
  };
}

/** An object, or the value of one of its fields alone: `timeout: 2s` for `timeout: { timeoutMs: 2s }`. */
export function orJust(whole: Field<object>, key: string, field: Field): Field<object> {
  return {
    schema: { anyOf: [whole.schema, field.schema] },
    read: (value, path, faults) =>
      isObject(value) || value === null || Array.isArray(value)
        ? whole.read(value, path, faults)
        : whole.read({ [key]: value }, path, faults),
  };
}

/** A list of one value at least. */
export function list<T>(about: string, each: Field<T>): Field<readonly T[]> {
  return {
    schema: { description: about, type: 'array', items: each.schema, minItems: 1 },
    read(value, path, faults) {
      if (!Array.isArray(value) || value.length === 0) return faults.add(path, 'a list that is not empty', value);
      const read = value.map((item, index) => each.read(item, `${path}[${index}]`, faults));
      return read.some((item) => item === undefined) ? undefined : (read as readonly T[]);
    },
  };
}

/** What either field reads; a fault is told of the first. */
export function anyOf<A, B>(one: Field<A>, other: Field<B>): Field<A | B> {
  return {
    schema: { anyOf: [one.schema, other.schema] },
    read(value, path, faults) {
      const tried = new Faults();
      const read = other.read(value, path, tried);
      return tried.found.length === 0 ? read : one.read(value, path, faults);
    },
  };
}

/** One of several kinds: its name alone, or an object whose only key is the name and whose value has its fields. */
export function oneOf<const Kinds extends Readonly<Record<string, Field>>>(
  about: string,
  kinds: Kinds,
): Field<{ readonly kind: keyof Kinds & string; readonly options: unknown }> {
  const names = Object.keys(kinds);
  const alone = names.filter((name) => takesNothing(kinds[name]!));
  return {
    schema: {
      description: about,
      anyOf: [
        ...(alone.length === 0 ? [] : [{ enum: alone }]),
        ...names.map((name) => ({
          type: 'object',
          properties: { [name]: alone.includes(name) ? orNull(kinds[name]!.schema) : kinds[name]!.schema },
          required: [name],
          additionalProperties: false,
        })),
      ],
    },
    read(value, path, faults) {
      const entries: readonly (readonly [string, unknown])[] =
        typeof value === 'string' ? [[value, null]] : isObject(value) ? Object.entries(value) : [];
      const [entry] = entries;
      if (entry === undefined || entries.length > 1) {
        return faults.add(path, `one of ${names.join(', ')}, alone or with its options`, value);
      }
      const [kind, options] = entry;
      const field = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
      if (field === undefined) return faults.addUnknown(path, kind, names, describe(kind));
      const read = field.read(options, `${path}.${kind}`, faults);
      return read === undefined ? undefined : { kind, options: read };
    },
  };
}

/** Whether nothing need be said: `retry:` with nothing behind it is null in YAML. */
function takesNothing(field: Field): boolean {
  const faults = new Faults();
  field.read(null, '', faults);
  return faults.found.length === 0;
}

/** `retry:` with nothing behind it. */
export function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
