/**
 * Makes plain data of anything, bounded in depth and breadth, in which cycles end. What stands under a name that speaks of
 * a secret is left out, header by header in whatever form headers come, and so are stacks.
 */
const REDACTED = '[redacted]';
const MOST_DEPTH = 8;
const MOST_ENTRIES = 100;
/** Shorter values are taken for words, not secrets: to strike out every `1` helps nobody. */
const SHORTEST_SECRET = 4;

/**
 * The value as plain data; never throws.
 *
 * @param isSecret Whether what stands under a name is left out.
 * @param found Takes up what was left out.
 * @param above What the value stands in, the outermost first.
 */
export function plainData(
  value: unknown,
  isSecret: (name: string) => boolean,
  found: Set<string>,
  above: readonly object[] = [],
): unknown {
  if (typeof value === 'bigint') return `${value}`;
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[circular]';
  if (above.length >= MOST_DEPTH) return '[deep]';
  try {
    return plainObject(value, isSecret, found, [...above, value]);
  } catch {
    // A getter of somebody's that throws must not keep an error from being told.
    return '[unreadable]';
  }
}

function plainObject(
  value: object,
  isSecret: (name: string) => boolean,
  found: Set<string>,
  above: readonly object[],
): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof URL || value instanceof RegExp) return String(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  const under = (name: string | undefined, inner: unknown): unknown =>
    name !== undefined && isSecret(name) ? noteSecret(inner, found) : plainData(inner, isSecret, found, above);
  if (Array.isArray(value) || value instanceof Set) {
    const list: readonly unknown[] = [...value].slice(0, MOST_ENTRIES);
    return list.map((element, index) => under(nameBefore(list, index), element));
  }
  const entries = entriesOf(value).slice(0, MOST_ENTRIES);
  // Not by assignment: a name such as `__proto__` is data here.
  return Object.fromEntries(entries.filter(([key]) => key !== 'stack').map(([key, inner]) => [key, under(key, inner)]));
}

/** Headers also come as pairs, or as a flat list of names and values in turn: the name that a value of these would have. */
function nameBefore(list: readonly unknown[], index: number): string | undefined {
  const name = list[index - 1];
  return index % 2 === 1 && typeof name === 'string' && name.length <= 64 ? name : undefined;
}

/** Notes a secret and its parts in `found`, whatever it is made of; returns what stands in its place. */
function noteSecret(secret: unknown, found: Set<string>): string {
  const parts = typeof secret === 'string' ? [secret, ...secret.split(/[\s;,]+/)] : [];
  for (const part of parts) {
    if (part.length >= SHORTEST_SECRET && !/^(?:bearer|basic|digest|negotiate|null|true|false|none)$/i.test(part))
      found.add(part);
  }
  if (typeof secret === 'object' && secret !== null)
    for (const inner of Object.values(secret)) noteSecret(inner, found);
  return REDACTED;
}

/** The entries of a record, a Map, or something that has entries as headers have; of an error, what is worth telling. */
function entriesOf(value: object): [string, unknown][] {
  if (value instanceof Error) {
    const { name, message, cause } = value;
    const told: [string, unknown][] = [['name', name], ['message', message], ...Object.entries(value)];
    return cause === undefined ? told : [...told, ['cause', cause]];
  }
  const { entries } = value as { readonly entries?: unknown };
  if (typeof entries !== 'function' || Object.hasOwn(value, 'entries')) return Object.entries(value);
  return Array.from(entries.call(value) as Iterable<[unknown, unknown]>, ([key, inner]) => [String(key), inner]);
}
