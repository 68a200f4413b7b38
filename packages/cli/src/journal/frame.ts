/**
 * A line of the journal: `<crc32> <kind> <position> <json>`. The checksum covers what follows it, so that a line
 * torn by a crash, or pages that never reached the disk, are told from a whole one.
 */
import { crc32 } from 'node:zlib';

/** H: header of the journal. A, F: the result of a row, answered or failed. E: the run has ended, nothing is left. */
export type FrameKind = 'H' | 'A' | 'F' | 'E';

export interface Frame {
  readonly kind: FrameKind;
  readonly position: number;
  /** The JSON and its line break: a view of the line. */
  readonly result: Buffer;
}

const space = 0x20;
const zero = 0x30;
const lineBreak = 0x0a;
const hexDigits = Buffer.from('0123456789abcdef');
/** Eight digits of checksum and a space stand before what is covered, the kind and a space before the position. */
const coveredStart = 9;
const positionStart = 11;
const shortest = 14;
const kinds = new Map<number, FrameKind>('HAFE'.split('').map((kind) => [kind.charCodeAt(0), kind as FrameKind]));

/** The line with its line break. */
export function encodeFrame(kind: FrameKind, position: number, json: string): Buffer {
  const line = Buffer.from(`00000000 ${kind} ${position} ${json}\n`);
  writeHex(line, crc32(line.subarray(coveredStart, -1)));
  return line;
}

/** Eight digits at the beginning of the line: by hand, because a string on the way would cost more than the checksum. */
function writeHex(line: Buffer, checksum: number): void {
  for (let at = coveredStart - 2, rest = checksum; at >= 0; at -= 1, rest >>>= 4)
    line[at] = hexDigits[rest & 15] ?? zero;
}

/** The JSON of a line and its line break, without a copy. */
export function resultOf(line: Buffer): Buffer {
  return line.subarray(line.indexOf(space, positionStart) + 1);
}

/** Reads the frame of a line with its line break; undefined when the line is torn or damaged. */
export function decodeFrame(line: Buffer): Frame | undefined {
  if (line.length < shortest || line[coveredStart - 1] !== space || line.at(-1) !== lineBreak) return undefined;
  const expected = Number.parseInt(line.toString('latin1', 0, coveredStart - 1), 16);
  if (crc32(line.subarray(coveredStart, -1)) !== expected) return undefined;
  const kind = kinds.get(line[coveredStart] ?? 0);
  if (kind === undefined) return undefined;
  let position = 0;
  for (let at = positionStart; line[at] !== space; at += 1) position = position * 10 + ((line[at] ?? zero) - zero);
  return { kind, position, result: resultOf(line) };
}
