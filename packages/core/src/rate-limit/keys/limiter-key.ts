/**
 * Whom a request is counted for. A string; or named parts, where limits count by different ones: `{ client: 'c7',
 * endpoint: '/orders' }` under a limit per client and another per endpoint.
 */
export type LimiterKey = string | Readonly<Record<string, string>>;

/**
 * The key as one string; undefined stays that. Parts are escaped, so that no two keys of parts fall together, and begin
 * with a character that keeps them apart from strings that look alike.
 */
export function wholeKey(key: LimiterKey | undefined): string | undefined {
  if (typeof key !== 'object') return key;
  const parts = Object.keys(key).toSorted();
  return `\0${parts.map((part) => `${escaped(part)}=${escaped(key[part]!)}`).join('&')}`;
}

/**
 * What a limit that counts by these parts makes of a key; undefined when it counts by none.
 *
 * @param per The parts; undefined for the whole key.
 * @throws RangeError when the key has no such part.
 */
export function keyFor(per: readonly string[] | undefined, key: LimiterKey | undefined): string | undefined {
  if (per === undefined) return wholeKey(key);
  if (per.length === 0) return undefined;
  if (per.length === 1) return partOf(key, per[0]!);
  return per.map((part) => escaped(partOf(key, part))).join('&');
}

/** The parts that all have in common, where each counts by those of its own; the whole key, undefined, has every part. */
export function commonParts(all: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  let common: readonly string[] | undefined;
  for (const parts of all) {
    if (parts === undefined) continue;
    common = common === undefined ? parts : common.filter((part) => parts.includes(part));
  }
  return common;
}

/** Any text that a key may be made of, half a surrogate pair included, for which encodeURIComponent would throw. */
function escaped(text: string): string {
  return text.replaceAll(/[%&=]/g, (character) => (character === '%' ? '%25' : character === '&' ? '%26' : '%3D'));
}

function partOf(key: LimiterKey | undefined, part: string): string {
  const value = typeof key === 'object' && Object.hasOwn(key, part) ? key[part] : undefined;
  if (typeof value === 'string') return value;
  throw new RangeError(`a limit counts per ${part}, and the key of the request has no such part`);
}
