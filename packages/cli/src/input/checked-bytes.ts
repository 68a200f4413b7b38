import { isUtf8 } from 'node:buffer';
import { inputError } from '../command-line/command-error.ts';

/**
 * The bytes of an input as UTF-8: the byte order mark removed, other encodings refused with the place of the first
 * byte that gives them away. A character cut by the border of two chunks is joined before it is judged.
 */
export async function* checkedBytes(source: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer, void> {
  let carried: Buffer = Buffer.alloc(0);
  let bytesBefore = 0;
  let linesBefore = 0;
  let begun = false;
  for await (const chunk of source) {
    let bytes = carried.length === 0 ? chunk : Buffer.concat([carried, chunk]);
    if (!begun) {
      if (bytes.length < 4) {
        carried = bytes;
        continue;
      }
      const markLength = checkedMark(bytes, name);
      bytes = bytes.subarray(markLength);
      bytesBefore += markLength;
      begun = true;
    }
    const end = bytes.length - incompleteTail(bytes);
    carried = Buffer.from(bytes.subarray(end));
    const whole = bytes.subarray(0, end);
    if (!isUtf8(whole)) throw notUtf8(whole, name, bytesBefore, linesBefore);
    bytesBefore += whole.length;
    linesBefore += countLines(whole);
    if (whole.length > 0) yield whole;
  }
  if (!begun) carried = carried.subarray(checkedMark(carried, name));
  if (carried.length === 0) return;
  if (!isUtf8(carried)) throw notUtf8(carried, name, bytesBefore, linesBefore);
  yield carried;
}

/** Length of the byte order mark to skip. */
function checkedMark(bytes: Buffer, name: string): number {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (utf16 || (bytes.length >= 2 && (bytes[0] === 0) !== (bytes[1] === 0))) {
    const found = utf16 ? 'begins with a UTF-16 byte order mark' : 'looks like UTF-16 (a zero byte in every character)';
    throw inputError(
      `${name} line 1, column 1: the file ${found}; UTF-8 is needed. Save it as UTF-8, or convert it: ` +
        `iconv -f UTF-16 -t UTF-8 ${name} > utf8-${baseName(name)}`,
    );
  }
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** How many bytes at the end begin a character that the next chunk must finish. */
function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}

function notUtf8(bytes: Buffer, name: string, bytesBefore: number, linesBefore: number): Error {
  const at = firstInvalid(bytes);
  const before = bytes.subarray(0, at);
  const line = linesBefore + countLines(before) + 1;
  const column = at - before.lastIndexOf(10);
  const byte = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0');
  return inputError(
    `${name} line ${line}, column ${column} (byte ${bytesBefore + at}): 0x${byte} is not valid UTF-8. ` +
      `Save the file as UTF-8, or convert it (Korean Excel writes CP949): ` +
      `iconv -f CP949 -t UTF-8 ${name} > utf8-${baseName(name)}`,
  );
}

/** The valid prefix is found by halving: a prefix that ends on a character border is valid up to the fault. */
function firstInvalid(bytes: Buffer): number {
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    const prefix = bytes.subarray(0, middle);
    if (isUtf8(prefix.subarray(0, middle - incompleteTail(prefix)))) valid = middle;
    else invalid = middle;
  }
  return valid - incompleteTail(bytes.subarray(0, valid));
}
