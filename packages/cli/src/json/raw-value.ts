/**
 * Finds values in JSON text without decoding them, so that what is copied keeps every digit: `JSON.parse` rounds
 * 64-bit ids. The text must be valid JSON (it was parsed once before); nothing is checked again here.
 */

const quote = 0x22;
const backslash = 0x5c;

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at += 1;
  }
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === backslash) at += 1;
    else if (code === quote || Number.isNaN(code)) return at + 1;
  }
}

/** Index after the value that begins at `from`. */
function endOfValue(text: string, from: number): number {
  const first = text[from];
  if (first === '"') return endOfString(text, from);
  if (first !== '{' && first !== '[') {
    let at = from;
    while (at < text.length && !/[\s,\]}]/.test(text.charAt(at))) at += 1;
    return at;
  }
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at) - 1;
    else if (char === '{' || char === '[') depth += 1;
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}

/** Calls `visit` for each member of the object or array at `from` until it answers true. */
function members(text: string, from: number, visit: (key: string | number, start: number) => boolean): void {
  const isObject = text[from] === '{';
  let at = skipSpace(text, from + 1);
  for (let index = 0; text[at] !== '}' && text[at] !== ']' && at < text.length; index += 1) {
    let key: string | number = index;
    if (isObject) {
      const end = endOfString(text, at);
      key = JSON.parse(text.slice(at, end)) as string;
      at = skipSpace(text, skipSpace(text, end) + 1);
    }
    if (visit(key, at)) return;
    at = skipSpace(text, endOfValue(text, at));
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
}

function memberStart(text: string, from: number, token: string): number | undefined {
  const container = text[from];
  if (container !== '{' && container !== '[') return undefined;
  if (container === '[' && !/^(0|[1-9]\d*)$/.test(token)) return undefined;
  let found: number | undefined;
  members(text, from, (key, start) => {
    if (String(key) !== token) return false;
    found = start;
    // Of a key that stands twice the last counts, as in JSON.parse; an index cannot stand twice.
    return container === '[';
  });
  return found;
}

/** The text of the value that `path` leads to, or undefined where there is none. */
export function rawValue(text: string, path: readonly string[]): string | undefined {
  let at: number | undefined = skipSpace(text, 0);
  for (const token of path) {
    at = memberStart(text, at, token);
    if (at === undefined) return undefined;
  }
  return text.slice(at, endOfValue(text, at));
}

/** The names of the members of a JSON object, in the order of the text. */
export function memberNames(text: string): string[] {
  const names: string[] = [];
  members(text, skipSpace(text, 0), (key) => {
    names.push(String(key));
    return false;
  });
  return names;
}

/** A JSON value as people read it in a cell or a URL: strings decoded, null empty, everything else as written. */
export function plainText(raw: string): string {
  if (raw.startsWith('"')) return JSON.parse(raw) as string;
  return raw === 'null' ? '' : raw;
}

/** Valid JSON on one line: outside of strings a line break is only white space, inside of them there is none. */
export function onOneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replaceAll(/[\r\n]+[ \t]*/g, '') : json;
}

/** Tokens of an RFC 6901 pointer (`/a/0/b~1c`), or undefined if it is malformed. */
export function parsePointer(pointer: string): string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}
