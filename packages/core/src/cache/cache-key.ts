/**
 * Keys as callers give them, as memory knows them, and as a second tier does.
 *
 * A key is a text, or a row of segments. In memory a text stands as it is, so that a hit touches nothing but the store;
 * a row stands behind a control character, which no text may contain, with its segments escaped: `'a:b'` and
 * `['a', 'b']` are two keys. A second tier knows both by escaped texts, hashed where they are long.
 */
import { InvalidKeyError } from './errors.ts';
import { sha256Hex } from './sha256.ts';

/** What a value is kept under: a text, or a row of segments such as `['user', 7]`. */
export type CacheKey = string | readonly (string | number)[];

/** The first character of a row of segments in memory. */
const ROW = '\u001f';
/** A key that is longer is an attack or a mistake: 16 KiB. */
const LONGEST_KEY = 16_384;
/** What a second tier sees of a key at most, in characters; longer ones are hashed. */
const LONGEST_TIER_KEY = 200;

// oxlint-disable-next-line no-control-regex -- to refuse them is what it is for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * The text under which memory keeps `key`. Cheap for a text; {@link checkKey} looks at the rest before it is stored.
 *
 * @throws InvalidKeyError for what is no key at all.
 */
export function memoryKey(key: CacheKey): string {
  if (typeof key === 'string' && !(key.charCodeAt(0) < 32)) return key;
  if (typeof key === 'string') throw new InvalidKeyError('begins with a control character');
  if (!Array.isArray(key)) throw new InvalidKeyError('is neither a text nor a row of segments');
  if (key.length === 0) throw new InvalidKeyError('is a row without segments');
  // A row of one segment is that segment.
  if (key.length === 1) return memoryKey(typeof key[0] === 'string' ? key[0] : segmentText(key[0] as number));
  return ROW + (key as readonly (string | number)[]).map(segmentText).join(':');
}

/**
 * The same key, once it is known that it may be stored.
 *
 * @throws InvalidKeyError for a key that is too long or has control characters in it.
 */
export function checkKey(text: string): string {
  if (text.length > LONGEST_KEY) throw new InvalidKeyError(`has more than ${LONGEST_KEY} characters`);
  if (CONTROL.test(text.startsWith(ROW) ? text.slice(1) : text))
    throw new InvalidKeyError('contains control characters');
  return text;
}

/** What a second tier calls the key that memory calls `text`. */
export function tierKey(text: string): string {
  const known = text.startsWith(ROW) ? text.slice(1) : escaped(text);
  return known.length <= LONGEST_TIER_KEY ? known : `sha256%${sha256Hex(known)}`;
}

/** What memory calls the key that a second tier calls `known`; undefined where it was hashed. */
export function keyOfTierKey(known: string): string | undefined {
  if (known.startsWith('sha256%')) return undefined;
  return known.includes(':') ? ROW + known : known.replaceAll('%3A', ':').replaceAll('%25', '%');
}

/** The key as a caller would write it, for people: segments with colons between them. */
export function shownKey(text: string): string {
  return text.startsWith(ROW) ? text.slice(1) : text;
}

/** `%` and `:` as percent-encoding has them; everything else as it is. */
export function escaped(segment: string): string {
  return withEach(':', '%3A', withEach('%', '%25', segment));
}

/** What `replaceAll` does, in half the time for the one or two that a key has. */
function withEach(character: string, replacement: string, text: string): string {
  let at = text.indexOf(character);
  if (at === -1) return text;
  let replaced = '';
  let from = 0;
  for (; at !== -1; at = text.indexOf(character, from)) {
    replaced += text.slice(from, at) + replacement;
    from = at + 1;
  }
  return replaced + text.slice(from);
}

function segmentText(segment: string | number): string {
  if (typeof segment === 'number') return Number.isFinite(segment) ? String(segment) : refuseSegment(segment);
  return typeof segment === 'string' ? escaped(segment) : refuseSegment(segment);
}

function refuseSegment(segment: unknown): never {
  throw new InvalidKeyError(`has a segment that is neither a text nor a finite number: ${String(segment)}`);
}
