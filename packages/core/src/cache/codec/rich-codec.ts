/**
 * JSON that keeps what JSON loses: Date, Map, Set, BigInt, bytes, undefined, NaN, the infinities and -0. Such a value is
 * written as a row of its kind and its content behind a marker; a row of the user's that begins with the marker is marked
 * itself, so that nothing can be mistaken.
 */
import { bytesText, type Codec, textBytes } from './codec.ts';

const MARK = '\u0001bw';

type Marked = readonly [typeof MARK, string, ...unknown[]];

/** A value as plain JSON data. */
function plain(value: unknown, within: Set<object>): unknown {
  if (typeof value === 'bigint') return [MARK, 'bigint', String(value)];
  if (value === undefined) return [MARK, 'undefined'];
  if (typeof value === 'number') return plainNumber(value);
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol')
      throw new TypeError(`a ${typeof value} can't be kept`);
    return value;
  }
  if (within.has(value)) throw new TypeError('a value that contains itself can not be kept');
  within.add(value);
  const result = plainObject(value, within);
  within.delete(value);
  return result;
}

function plainNumber(value: number): unknown {
  return Number.isFinite(value) && !Object.is(value, -0)
    ? value
    : [MARK, 'number', Object.is(value, -0) ? '-0' : String(value)];
}

function plainObject(value: object, within: Set<object>): unknown {
  if (value instanceof Date) return [MARK, 'date', plainNumber(value.getTime())];
  if (value instanceof Map) {
    return [MARK, 'map', ...Array.from(value, ([key, item]) => [plain(key, within), plain(item, within)])];
  }
  if (value instanceof Set) return [MARK, 'set', ...Array.from(value, (item) => plain(item, within))];
  if (value instanceof Uint8Array) return [MARK, 'bytes', base64Of(value)];
  if (Array.isArray(value)) {
    const items = Array.from(value, (item) => plain(item, within));
    return value[0] === MARK ? [MARK, 'row', ...items] : items;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`an object of a class (${value.constructor.name}) can't be kept`);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, within)]));
}

function rich(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value[0] === MARK ? marked(value as unknown as Marked) : value.map(rich);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rich(item)]));
}

function marked([, kind, ...content]: Marked): unknown {
  if (kind === 'bigint') return BigInt(content[0] as string);
  if (kind === 'undefined') return undefined;
  if (kind === 'number') return Number(content[0]);
  if (kind === 'date') return new Date(rich(content[0]) as number);
  if (kind === 'map') return new Map((content as [unknown, unknown][]).map(([key, item]) => [rich(key), rich(item)]));
  if (kind === 'set') return new Set(content.map(rich));
  if (kind === 'bytes') return bytesOf(content[0] as string);
  // The first item is the marker itself, as text.
  if (kind === 'row') return content.map((item, at) => (at === 0 ? item : rich(item)));
  throw new TypeError(`nothing is known of a ${kind}`);
}

function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(text);
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0));
}

/** JSON that keeps Date, Map, Set, BigInt, bytes (as Uint8Array), undefined, NaN, the infinities and -0. */
export const richCodec: Codec = Object.freeze({
  id: 2,
  name: 'rich',
  encode: (value: unknown): Uint8Array => textBytes(JSON.stringify(plain(value, new Set()))),
  decode: (bytes: Uint8Array): unknown => rich(JSON.parse(bytesText(bytes))),
});
