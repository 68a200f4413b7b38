/**
 * A file of the disk store.
 *
 * ```text
 *   'BWD1'  version    expiry     key's length  kind  checksum | key in UTF-8 | bytes
 *   4       8 (float)  8 (float)  4             1     4        |              | as they came
 * ```
 */
import { bytesText, textBytes } from '../../codec/codec.ts';
import { crc32 } from '../../codec/crc32.ts';

/** What a file holds. */
export interface DiskRecord {
  readonly key: string;
  readonly version: number;
  /** By the wall clock. */
  readonly expiresAt: number;
  /** Undefined after a deletion. */
  readonly bytes: Uint8Array | undefined;
}

const MAGIC = 0x42574431;
const HEADER_BYTES = 29;
const CHECKSUM_AT = 25;

export function writtenRecord({ key, version, expiresAt, bytes }: DiskRecord): Uint8Array {
  const name = textBytes(key);
  const record = new Uint8Array(HEADER_BYTES + name.length + (bytes?.length ?? 0));
  const view = new DataView(record.buffer);
  view.setUint32(0, MAGIC);
  view.setFloat64(4, version);
  view.setFloat64(12, expiresAt);
  view.setUint32(20, name.length);
  view.setUint8(24, bytes === undefined ? 0 : 1);
  record.set(name, HEADER_BYTES);
  view.setUint32(CHECKSUM_AT, checksum(record, name.length));
  if (bytes !== undefined) record.set(bytes, HEADER_BYTES + name.length);
  return record;
}

/** Undefined for a file that is none of ours, or whose beginning was torn; its bytes are not looked at. */
export function readRecord(file: Uint8Array): DiskRecord | undefined {
  if (file.length < HEADER_BYTES) return undefined;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const nameBytes = view.getUint32(20);
  const isWhole = view.getUint32(0) === MAGIC && HEADER_BYTES + nameBytes <= file.length;
  if (!isWhole || view.getUint32(CHECKSUM_AT) !== checksum(file, nameBytes)) return undefined;
  return {
    key: bytesText(file.subarray(HEADER_BYTES, HEADER_BYTES + nameBytes)),
    version: view.getFloat64(4),
    expiresAt: view.getFloat64(12),
    bytes: view.getUint8(24) === 0 ? undefined : file.subarray(HEADER_BYTES + nameBytes),
  };
}

function checksum(record: Uint8Array, nameBytes: number): number {
  return crc32(record.subarray(HEADER_BYTES, HEADER_BYTES + nameBytes), crc32(record.subarray(0, CHECKSUM_AT)));
}
