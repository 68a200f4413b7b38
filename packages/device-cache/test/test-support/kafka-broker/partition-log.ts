/** One partition: record batches as producers sent them, with their offsets written in. A batch is never taken apart. */

const BASE_OFFSET_AT = 0;
const LENGTH_AT = 8;
const LAST_OFFSET_DELTA_AT = 23;
const MAX_TIMESTAMP_AT = 35;
/** What stands before the part that the length counts. */
const HEAD = 12;

interface Batch {
  readonly first: bigint;
  readonly last: bigint;
  readonly maxTimestamp: bigint;
  readonly bytes: Buffer;
}

export class PartitionLog {
  end: bigint = 0n;
  private readonly batches: Batch[] = [];
  private readonly waiting: Set<() => void> = new Set();

  /** Appends a record set, which may hold several batches; returns the offset of its first record. */
  append(recordSet: Buffer): bigint {
    const first = this.end;
    for (let at = 0; at + HEAD <= recordSet.length;) {
      const length = HEAD + recordSet.readInt32BE(at + LENGTH_AT);
      // The checksum begins after the offset, so this leaves it right.
      const bytes = Buffer.from(recordSet.subarray(at, at + length));
      bytes.writeBigInt64BE(this.end, BASE_OFFSET_AT);
      const last = this.end + BigInt(bytes.readInt32BE(LAST_OFFSET_DELTA_AT));
      this.batches.push({ first: this.end, last, maxTimestamp: bytes.readBigInt64BE(MAX_TIMESTAMP_AT), bytes });
      this.end = last + 1n;
      at += length;
    }
    for (const wake of this.waiting) wake();
    return first;
  }

  /** Batches from the one that holds `offset` on, at least one, and more as long as they fit. */
  read(offset: bigint, maxBytes: number): Buffer {
    const parts: Buffer[] = [];
    let size = 0;
    for (let i = this.indexOf(offset); i < this.batches.length; i++) {
      const { bytes } = this.batches[i]!;
      if (parts.length > 0 && size + bytes.length > maxBytes) break;
      parts.push(bytes);
      size += bytes.length;
    }
    return Buffer.concat(parts);
  }

  /** The offset of the first batch with a record of this time or later; the end where there is none. */
  offsetAt(timestamp: bigint): bigint {
    return this.batches.find(({ maxTimestamp }) => maxTimestamp >= timestamp)?.first ?? this.end;
  }

  /** Calls back once at the next append; returns what ends that. */
  onAppend(wake: () => void): () => void {
    this.waiting.add(wake);
    return () => this.waiting.delete(wake);
  }

  private indexOf(offset: bigint): number {
    let [low, high] = [0, this.batches.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.batches[middle]!.last < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
