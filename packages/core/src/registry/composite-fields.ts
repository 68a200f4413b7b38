/** Fields that are made of others: objects, lists, and choices between them. */
import { describe } from '../options/resolve.ts';
import { Faults } from './faults.ts';
import { type Field, type Fields, isObject, type JsonSchema, type Read } from './fields.ts';

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
      properties: Object.fromEntries(
        Object.entries(fields).map(([name, { schema }]) => [name, required.includes(name) ? schema : orNull(schema)]),
      ),
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
        else if (isGiven(inner, field)) read[name] = field.read(inner, `${path}.${name}`, faults);
      }
      for (const name of required)
        if (!isGiven(value[name], fields[name]!)) faults.add(`${path}.${name}`, 'a value', undefined);
      return faults.found.length > before ? undefined : (read as Read<F>);
    },
  };
}

/** `backoff:` with nothing behind it says nothing. */
function isGiven(value: unknown, field: Field): boolean {
  return value !== undefined && (value !== null || field.takesNull === true);
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

/** What either field reads. A fault is told of the one that was meant, where its shape shows that; otherwise of both. */
export function anyOf<A, B>(one: Field<A>, other: Field<B>): Field<A | B> {
  return {
    schema: { anyOf: [one.schema, other.schema] },
    read(value, path, faults) {
      const tried = [new Faults(), new Faults()] as const;
      const first = one.read(value, path, tried[0]);
      if (tried[0].found.length === 0) return first;
      const second = other.read(value, path, tried[1]);
      if (tried[1].found.length === 0) return second;
      const meant = tried.find(({ found }) => found.some((fault) => fault.path !== path));
      if (meant !== undefined) faults.found.push(...meant.found);
      else faults.addEither(tried[0].found[0]!, tried[1].found[0]!);
      return undefined;
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

/** The same, or `retry:` with nothing behind it. */
export function orNull(schema: JsonSchema): JsonSchema {
  const { type, enum: words, anyOf: ways } = schema as { type?: string; enum?: unknown[]; anyOf?: unknown[] };
  if (ways !== undefined) return { ...schema, anyOf: [...ways, { type: 'null' }] };
  if (words !== undefined) return { ...schema, enum: [...words, null] };
  return type === undefined ? schema : { ...schema, type: [type, 'null'] };
}
