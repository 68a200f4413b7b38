/**
 * JSON that is kept exactly or refused. `JSON.parse` rounds whole numbers beyond 2⁵³ and turns 1e999 into Infinity, which
 * JSON.stringify then writes as null; it accepts any depth, and a key `__proto__` that bites whoever copies the object
 * carelessly. A cache that hands readings on must not change them, so here each of these is a fault with its place.
 */

/** How deeply lists and objects may lie in each other: 1 is a flat object. */
const MAX_DEPTH = 32;

/** Why a text is not accepted, and where: a JSON pointer, or a byte's position for what is no JSON at all. */
export interface JsonFault {
  readonly at: string;
  readonly reason: string;
}

export type ParsedJson = { readonly value: unknown } | { readonly fault: JsonFault };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** Sixteen digits in a row may be a whole number that a double can't hold; looked at closely only then. */
const MANY_DIGITS = /\d{16}/;

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__']);

/** Parses UTF-8 bytes as JSON. */
export function parseExactJson(bytes: Uint8Array): ParsedJson {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { fault: { at: '', reason: 'not valid UTF-8' } };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { fault: { at: '', reason: `not valid JSON: ${syntaxFault(error)}` } };
  }
  const fault = faultWithin(value, '', 1) ?? (MANY_DIGITS.test(text) ? roundedNumber(text) : undefined);
  return fault === undefined ? { value } : { fault };
}

/** V8 quotes the text around the fault, which is somebody's data: only the position is told. */
function syntaxFault(error: unknown): string {
  const { message } = error as Error;
  const position = /position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return `unexpected character at position ${position}`;
  return message.includes('end of JSON') ? 'it ends too early' : 'unexpected character';
}

function faultWithin(value: unknown, at: string, depth: number): JsonFault | undefined {
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : { at, reason: 'a number that is too large' };
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > MAX_DEPTH) return { at, reason: `nested more than ${MAX_DEPTH} deep` };
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const fault = faultWithin(value[i], `${at}/${i}`, depth + 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  for (const [key, inner] of Object.entries(value)) {
    if (FORBIDDEN_KEYS.has(key)) return { at: pointer(at, key), reason: 'a key that is not allowed' };
    const fault = faultWithin(inner, pointer(at, key), depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** A JSON pointer one step further in (RFC 6901). */
function pointer(at: string, key: string): string {
  return `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
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
