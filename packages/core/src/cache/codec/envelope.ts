/**
 * What stands around a value in the second tier.
 *
 * ```text
 *   'BWC' format  codec  compression  schema version  created      fresh for    grace
 *   3     1       1      1            4               8 (float)    8 (float)    8 (float)
 *   facts' length  payload's length  checksum | facts: key, etag, tags and their generations | payload
 *   4              4                 4        | JSON in UTF-8                                | as its codec has it
 * ```
 *
 * The checksum covers everything but itself. Bytes that were cut short, flipped, written by something else or under
 * another key are found out by it, by the lengths, by the magic or by the key. How long a value is good is said in
 * durations; `created` is for people and never compared.
 */
import { bytesText, textBytes } from './codec.ts';
import { crc32 } from './crc32.ts';

const MAGIC = 0x42574301;
const HEADER_BYTES = 46;
const CHECKSUM_AT = 42;

/** What is told of a stored value. */
export interface EnvelopeFacts {
  readonly key: string;
  readonly codec: number;
  readonly compression: number;
  readonly schemaVersion: number;
  /** When it was written, by the writer's wall clock. */
  readonly createdAt: number;
  /** For how long it was fresh when it was written, in milliseconds. */
  readonly freshMs: number;
  /** For how long it may be served stale after that. */
  readonly graceMs: number;
  readonly etag: string | undefined;
  /** Tags and the generation of each that it was loaded under; the tag '' is the namespace. */
  readonly generations: readonly (readonly [string, string])[];
}

/** A stored value, not decoded. */
export interface Envelope extends EnvelopeFacts {
  readonly payload: Uint8Array;
}

/** Bytes that are no readable value. */
export class PoisonError extends Error {
  readonly fault: string;

  constructor(fault: string, cause?: unknown) {
    super(`a stored value is ${fault}`, cause === undefined ? undefined : { cause });
    this.fault = fault;
  }
}

/** Puts a value into its envelope. */
export function sealed(facts: EnvelopeFacts, payload: Uint8Array): Uint8Array {
  const { key, etag, generations } = facts;
  const told = textBytes(JSON.stringify({ key, generations, ...(etag === undefined ? {} : { etag }) }));
  const bytes = new Uint8Array(HEADER_BYTES + told.length + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, facts.codec);
  view.setUint8(5, facts.compression);
  view.setUint32(6, facts.schemaVersion);
  view.setFloat64(10, facts.createdAt);
  view.setFloat64(18, facts.freshMs);
  view.setFloat64(26, facts.graceMs);
  view.setUint32(34, told.length);
  view.setUint32(38, payload.length);
  bytes.set(told, HEADER_BYTES);
  bytes.set(payload, HEADER_BYTES + told.length);
  view.setUint32(CHECKSUM_AT, checksum(bytes));
  return bytes;
}

/**
 * Reads an envelope.
 *
 * @throws PoisonError when the bytes are none, or that of another key or schema version.
 */
export function opened(bytes: Uint8Array, key: string, schemaVersion: number): Envelope {
  if (bytes.length < HEADER_BYTES) throw new PoisonError('not ours');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== MAGIC) throw new PoisonError('not ours');
  const [factBytes, payloadBytes] = [view.getUint32(34), view.getUint32(38)];
  const isWhole = HEADER_BYTES + factBytes + payloadBytes === bytes.length;
  if (!isWhole || view.getUint32(CHECKSUM_AT) !== checksum(bytes)) throw new PoisonError('torn');
  if (view.getUint32(6) !== schemaVersion) throw new PoisonError('of another schema');
  const payloadAt = HEADER_BYTES + factBytes;
  const told = JSON.parse(bytesText(bytes.subarray(HEADER_BYTES, payloadAt))) as EnvelopeFacts;
  if (told.key !== key) throw new PoisonError('of another key');
  return {
    key,
    codec: view.getUint8(4),
    compression: view.getUint8(5),
    schemaVersion,
    createdAt: view.getFloat64(10),
    freshMs: view.getFloat64(18),
    graceMs: view.getFloat64(26),
    etag: told.etag,
    generations: told.generations,
    payload: bytes.subarray(payloadAt),
  };
}

function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, CHECKSUM_AT)));
}
