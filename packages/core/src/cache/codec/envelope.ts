/**
 * What stands around a value in the second tier.
 *
 * ```text
 *   'BWC' format  checksum  codec  compression  schema version  created    fresh for  grace
 *   3     1       4         1      1            4               8 (float)  8 (float)  8 (float)
 *   key's length  facts' length | key   | facts: etag, tags and their generations | payload
 *   4             4             | UTF-8 | JSON in UTF-8                           | as its codec has it
 * ```
 *
 * The checksum covers everything behind it. Bytes that were cut short, flipped, written by something else or under
 * another key are found out by it, by the magic or by the key. How long a value is good is said in durations; `created`
 * is for people and never compared.
 */
import { bytesText, textBytes } from './codec.ts';
import { crc32 } from './crc32.ts';

const MAGIC = 0x42574302;
const CHECKED_FROM = 8;
const HEADER_BYTES = 46;

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
  /** Its tags without the namespace. */
  readonly tags: readonly string[];
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
  const { etag, generations } = facts;
  const key = textBytes(facts.key);
  const told = textBytes(JSON.stringify({ generations, ...(etag === undefined ? {} : { etag }) }));
  const bytes = new Uint8Array(HEADER_BYTES + key.length + told.length + payload.length);
  const written = new DataView(bytes.buffer);
  written.setUint32(0, MAGIC);
  written.setUint8(8, facts.codec);
  written.setUint8(9, facts.compression);
  written.setUint32(10, facts.schemaVersion);
  written.setFloat64(14, facts.createdAt);
  written.setFloat64(22, facts.freshMs);
  written.setFloat64(30, facts.graceMs);
  written.setUint32(38, key.length);
  written.setUint32(42, told.length);
  bytes.set(key, HEADER_BYTES);
  bytes.set(told, HEADER_BYTES + key.length);
  bytes.set(payload, HEADER_BYTES + key.length + told.length);
  written.setUint32(4, crc32(bytes, 0, CHECKED_FROM));
  return bytes;
}

interface Told {
  readonly etag: string | undefined;
  readonly generations: readonly (readonly [string, string])[];
  readonly tags: readonly string[];
}

/** The header that is being read. A view of its own for each envelope would cost more than reading it does. */
const header: Uint8Array = new Uint8Array(HEADER_BYTES);
const view: DataView = new DataView(header.buffer);

/** Reads envelopes, of which most say the same of their values: what was read last is not parsed again. */
export class EnvelopeReader {
  private readonly schemaVersion: number;
  private lastBytes: Uint8Array = new Uint8Array(0);
  private lastTold: Told = { etag: undefined, generations: [], tags: [] };

  constructor(schemaVersion: number) {
    this.schemaVersion = schemaVersion;
  }

  /** @throws PoisonError when the bytes are no envelope, or that of another key or schema version. */
  open(bytes: Uint8Array, key: string): Envelope {
    if (bytes.length < HEADER_BYTES) throw new PoisonError('not ours');
    for (let at = 0; at < HEADER_BYTES; at++) header[at] = bytes[at]!;
    if (view.getUint32(0) !== MAGIC) throw new PoisonError('not ours');
    if (view.getUint32(4) !== crc32(bytes, 0, CHECKED_FROM)) throw new PoisonError('torn');
    const schemaVersion = view.getUint32(10);
    if (schemaVersion !== this.schemaVersion) throw new PoisonError('of another schema');
    const toldAt = HEADER_BYTES + view.getUint32(38);
    if (!isText(bytes, HEADER_BYTES, toldAt, key)) throw new PoisonError('of another key');
    const payloadAt = toldAt + view.getUint32(42);
    const { etag, generations, tags } = this.told(bytes, toldAt, payloadAt);
    return {
      key,
      codec: view.getUint8(8),
      compression: view.getUint8(9),
      schemaVersion,
      createdAt: view.getFloat64(14),
      freshMs: view.getFloat64(22),
      graceMs: view.getFloat64(30),
      etag,
      generations,
      tags,
      payload: bytes.subarray(payloadAt),
    };
  }

  private told(bytes: Uint8Array, from: number, to: number): Told {
    if (isSame(bytes, from, to, this.lastBytes)) return this.lastTold;
    // A copy: a part would hold on to the whole reply that it came in.
    const own = Uint8Array.from(bytes.subarray(from, to));
    const { etag, generations } = JSON.parse(bytesText(own)) as Told;
    const tags = generations.map(([tag]) => tag).filter((tag) => tag !== '');
    this.lastBytes = own;
    this.lastTold = { etag, generations, tags };
    return this.lastTold;
  }
}

/** Whether `text` is what stands there in UTF-8. */
function isText(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  let at = from;
  // Most keys are ASCII, and compared faster than decoded.
  while (at < to && bytes[at]! < 128 && bytes[at] === text.charCodeAt(at - from)) at++;
  if (at === to) return text.length === to - from;
  return bytesText(bytes.subarray(from, to)) === text;
}

function isSame(bytes: Uint8Array, from: number, to: number, other: Uint8Array): boolean {
  if (other.length !== to - from) return false;
  let at = from;
  while (at < to && bytes[at] === other[at - from]) at++;
  return at === to;
}
