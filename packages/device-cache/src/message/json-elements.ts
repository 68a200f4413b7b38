/** The elements of a JSON list as they were written. */

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);
const SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** The bytes of each element of a list, without the space around it. What they are of must be a list in valid JSON. */
export function elementsOf(list: Buffer): readonly Buffer[] {
  const elements: Buffer[] = [];
  let depth = 0;
  let from = 0;
  const end = (at: number): void => {
    const element = trimmed(list.subarray(from, at));
    if (element.length > 0) elements.push(element);
    from = at + 1;
  };
  for (let at = 0; at < list.length; at++) {
    const byte = list[at]!;
    if (byte === QUOTE) at = endOfText(list, at);
    else if (OPENING.has(byte)) {
      depth++;
      if (depth === 1) from = at + 1;
    } else if (CLOSING.has(byte)) {
      if (depth === 1) end(at);
      depth--;
    } else if (byte === COMMA && depth === 1) end(at);
  }
  return elements;
}

/** Where the text ends that begins here. */
function endOfText(bytes: Buffer, quote: number): number {
  let at = quote + 1;
  while (bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

function trimmed(bytes: Buffer): Buffer {
  let [from, to] = [0, bytes.length];
  while (from < to && SPACE.has(bytes[from]!)) from++;
  while (to > from && SPACE.has(bytes[to - 1]!)) to--;
  return bytes.subarray(from, to);
}
