/**
 * JSON that is kept exactly or refused. `JSON.parse` rounds whole numbers beyond 2⁵³ and turns 1e999 into Infinity, which
 * JSON.stringify then writes as null; it accepts any depth, and a key `__proto__` that bites whoever copies the object
 * carelessly. A cache that hands readings on must not change them, so here each of these is a fault with its place.
 */
import { isUtf8 } from 'node:buffer';

/** How deeply lists and objects may lie in each other: 1 is a flat object. */
const MAX_DEPTH = 32;

/** Why a text is not accepted, and where: a JSON pointer, or a byte's position for what is no JSON at all. */
export interface JsonFault {
  readonly at: string;
  readonly reason: string;
}

export type ParsedJson = { readonly value: unknown } | { readonly fault: JsonFault };

/** Sixteen digits in a row may be a whole number that a double can't hold; looked at closely only then. */
const MANY_DIGITS = /\d{16}/;

/** Without it no number is too large or rounded: one has an exponent, or many digits. The hexadecimal digits of a UUID are none. */
const LARGE_NUMBER = /\d(?:\d{15}|[eE][+-]?\d+(?:[,\]}\s]|$))/;

/** Parses UTF-8 bytes as JSON. */
export function parseExactJson(bytes: Uint8Array): ParsedJson {
  if (!isUtf8(bytes)) return { fault: { at: '', reason: 'not valid UTF-8' } };
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { fault: { at: '', reason: `not valid JSON: ${syntaxFault(error)}` } };
  }
  // Looking at the text is much cheaper than walking through the value, and finds nothing in almost every message.
  if (isHarmless(text)) return { value };
  const fault = faultIn(value) ?? (MANY_DIGITS.test(text) ? roundedNumber(text) : undefined);
  return fault === undefined ? { value } : { fault };
}

/** Whether there can be nothing in a text that is refused: no large number, no key `__proto__`, plain or escaped, no depth. */
function isHarmless(text: string): boolean {
  if (text.includes('__proto__') || text.includes('\\u')) return false;
  return !LARGE_NUMBER.test(text) && !mayBeDeeperThan(MAX_DEPTH, text);
}

/** Whether a text has so many opening brackets that what it says may lie deeper than `depth`. */
function mayBeDeeperThan(depth: number, text: string): boolean {
  let opened = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++opened > depth) return true;
    }
  }
  return false;
}

/** V8 quotes the text around the fault, which is somebody's data: only the position is told. */
function syntaxFault(error: unknown): string {
  const { message } = error as Error;
  const position = /position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return `unexpected character at position ${position}`;
  return message.includes('end of JSON') ? 'it ends too early' : 'unexpected character';
}

function faultIn(value: unknown): JsonFault | undefined {
  const found = faultWithin(value, 1);
  return found === undefined ? undefined : { at: pointer(found.way.toReversed()), reason: found.reason };
}

/** A fault with the way to it, from the inside out: it is only put together where there is a fault. */
interface FoundFault {
  readonly reason: string;
  readonly way: string[];
}

function faultWithin(value: unknown, depth: number): FoundFault | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : { reason: 'a number that is too large', way: [] };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > MAX_DEPTH) return { reason: `nested more than ${MAX_DEPTH} deep`, way: [] };
  // What was just parsed has no fields but its own.
  for (const key in value) {
    if (key === '__proto__') return { reason: 'a key that is not allowed', way: [key] };
    const found = faultWithin((value as Readonly<Record<string, unknown>>)[key], depth + 1);
    if (found === undefined) continue;
    found.way.push(key);
    return found;
  }
  return undefined;
}

/** A JSON pointer (RFC 6901). */
function pointer(way: readonly string[]): string {
  return way.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Asks for each number's own digits, which Node tells since version 21. */
function roundedNumber(text: string): JsonFault | undefined {
  let fault: JsonFault | undefined;
  const reviver: SourceReviver = (key, value, { source }) => {
    if (fault === undefined && typeof value === 'number' && source !== undefined && isRounded(value, source)) {
      fault = {
        at: key === '' ? '' : `…/${key}`,
        reason: `a whole number that would be rounded: ${source.slice(0, 40)}`,
      };
    }
    return value;
  };
  JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
  return fault;
}

function isRounded(value: number, source: string): boolean {
  return /^-?\d+$/.test(source) && !Number.isSafeInteger(value) && BigInt(source) !== BigInt(value);
}
