/**
 * A line of the journal: `<crc32> <kind> <position> <json>`. The checksum covers all that follows it, so that a line
 * torn by a crash, or pages that never reached the disk, are told from a whole one.
 */
import { crc32 } from 'node:zlib';

/** H: header of the journal. A, F: the result of a row, answered or failed. E: the run has ended, nothing is left. */
export type FrameKind = 'H' | 'A' | 'F' | 'E';

export interface Frame {
  readonly kind: FrameKind;
  readonly position: number;
  /** Bytes from the beginning of the line to the beginning of its JSON. */
  readonly jsonStart: number;
}

const space = 0x20;
const zero = 0x30;
const kinds = new Map<number, FrameKind>('HAFE'.split('').map((kind) => [kind.charCodeAt(0), kind as FrameKind]));

/** The line with its line break. */
export function encodeFrame(kind: FrameKind, position: number, json: string): string {
  const covered = `${kind} ${position} ${json}`;
  return `${crc32(covered).toString(16).padStart(8, '0')} ${covered}\n`;
}

/** Reads the frame of a line without its line break; undefined when the line is torn or damaged. */
export function decodeFrame(line: Buffer): Frame | undefined {
  if (line.length < 13 || line[8] !== space) return undefined;
  const expected = Number.parseInt(line.toString('latin1', 0, 8), 16);
  if (crc32(line.subarray(9)) !== expected) return undefined;
  const kind = kinds.get(line[9] ?? 0);
  if (kind === undefined) return undefined;
  let position = 0;
  let at = 11;
  for (; line[at] !== space; at += 1) position = position * 10 + ((line[at] ?? zero) - zero);
  return { kind, position, jsonStart: at + 1 };
}
