/** Kafka's primitive types, in the forms of versions that are not flexible: big-endian, lengths before what they measure. */

export class WireReader {
  private at: number = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  int8(): number {
    return this.bytes.readInt8(this.move(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.move(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.move(4));
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.move(8));
  }

  string(): string {
    return this.nullableString() ?? '';
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.take(length).toString();
  }

  byteString(): Buffer {
    const length = this.int32();
    return length < 0 ? Buffer.alloc(0) : this.take(length);
  }

  array<T>(one: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, one);
  }

  /** As `array`, but null where there is none. */
  nullableArray<T>(one: () => T): T[] | null {
    const length = this.int32();
    return length < 0 ? null : Array.from({ length }, one);
  }

  private take(length: number): Buffer {
    const from = this.move(length);
    return this.bytes.subarray(from, from + length);
  }

  private move(length: number): number {
    const from = this.at;
    this.at += length;
    return from;
  }
}

export class WireWriter {
  private readonly parts: Buffer[] = [];

  int8(value: number): this {
    return this.fixed(1, (part) => part.writeInt8(value));
  }

  int16(value: number): this {
    return this.fixed(2, (part) => part.writeInt16BE(value));
  }

  int32(value: number): this {
    return this.fixed(4, (part) => part.writeInt32BE(value));
  }

  int64(value: bigint): this {
    return this.fixed(8, (part) => part.writeBigInt64BE(value));
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const text = Buffer.from(value);
    return this.int16(text.length).raw(text);
  }

  byteString(value: Buffer): this {
    return this.int32(value.length).raw(value);
  }

  array<T>(items: readonly T[], one: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) one(item);
    return this;
  }

  raw(bytes: Buffer): this {
    this.parts.push(bytes);
    return this;
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.parts);
  }

  private fixed(length: number, write: (part: Buffer) => void): this {
    const part = Buffer.alloc(length);
    write(part);
    return this.raw(part);
  }
}
