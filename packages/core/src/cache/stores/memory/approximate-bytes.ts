/** How many parts of a value are looked at; what is beyond counts as the average of what was seen. */
const MOST_PARTS = 10_000;
const WORD = 8;
const OBJECT = 24;

/**
 * Roughly how many bytes of memory a value takes: strings by their length (two bytes a unit, as they may), bytes by
 * theirs, objects by what is in them, each part once.
 */
export function approximateBytes(value: unknown): number {
  const seen = new Set<object>();
  const waiting: unknown[] = [value];
  let bytes = 0;
  let parts = 0;
  while (waiting.length > 0) {
    if (++parts > MOST_PARTS) return Math.ceil((bytes / MOST_PARTS) * (MOST_PARTS + waiting.length));
    const part = waiting.pop();
    if (typeof part === 'string') bytes += OBJECT + part.length * 2;
    else if (typeof part !== 'object' || part === null) bytes += WORD;
    else if (!seen.has(part)) {
      seen.add(part);
      bytes += OBJECT + ownBytes(part, waiting);
    }
  }
  return bytes;
}

/** What an object holds itself; what it refers to is added to `waiting`. */
function ownBytes(object: object, waiting: unknown[]): number {
  if (ArrayBuffer.isView(object)) return object.byteLength;
  if (object instanceof ArrayBuffer) return object.byteLength;
  if (object instanceof Date) return WORD;
  if (object instanceof Map) {
    for (const [key, value] of object) waiting.push(key, value);
    return object.size * WORD * 3;
  }
  const parts: readonly unknown[] = object instanceof Set ? [...object] : Object.values(object);
  for (const part of parts) waiting.push(part);
  return parts.length * WORD * 2;
}
