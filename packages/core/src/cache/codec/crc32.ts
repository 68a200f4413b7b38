/**
 * CRC-32 as zlib and Ethernet have it (polynomial 0xedb88320, reflected). Four bytes a step ("slicing by four": table n
 * is what a byte does n bytes further on), since a step waits for the one before.
 */
import { nodeModule } from '../../structures/node-module.ts';

/** From here on the platform's own, where there is one, makes up for the way to it. */
const LARGE_BYTES = 256;

const table0: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = (remainder & 1) === 0 ? remainder >>> 1 : (remainder >>> 1) ^ 0xedb88320;
  return remainder;
});
const further = (table: Int32Array): Int32Array =>
  table.map((remainder) => table0[remainder & 0xff]! ^ (remainder >>> 8));
const table1: Int32Array = further(table0);
const table2: Int32Array = further(table1);
const table3: Int32Array = further(table2);

type Checksum = (bytes: Uint8Array, before: number) => number;

let platform: Checksum | null | undefined = undefined;

/** The platform's: Node from 20.15 on, and others that follow it; null where there is none. */
function platformChecksum(): Checksum | null {
  if (platform === undefined) platform = nodeModule<{ readonly crc32?: Checksum }>('node:zlib')?.crc32 ?? null;
  return platform;
}

/** The checksum of the bytes from `from` on, going on from that of the bytes before them. */
export function crc32(bytes: Uint8Array, before = 0, from = 0): number {
  if (bytes.length - from >= LARGE_BYTES) {
    const own = platformChecksum();
    if (own !== null) return own(bytes.subarray(from), before);
  }
  return ownCrc32(bytes, before, from);
}

/** @internal The same without the platform's help. */
export function ownCrc32(bytes: Uint8Array, before = 0, from = 0): number {
  const { length } = bytes;
  let crc = ~before;
  let at = from;
  for (; at + 4 <= length; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = table3[crc & 0xff]! ^ table2[(crc >>> 8) & 0xff]! ^ table1[(crc >>> 16) & 0xff]! ^ table0[crc >>> 24]!;
  }
  for (; at < length; at++) crc = table0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
