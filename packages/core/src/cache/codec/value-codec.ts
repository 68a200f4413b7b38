/** From a value to the bytes of the second tier and back: codec, compression, envelope, schema. */
import type { Codec } from './codec.ts';
import { type Compression, decompress } from './compression.ts';
import { type Envelope, type EnvelopeFacts, EnvelopeReader, PoisonError, sealed } from './envelope.ts';
import type { StandardSchema } from './standard-schema.ts';

/** How values are written and read. */
export interface ValueCodecOptions<Value> {
  readonly codec: Codec;
  readonly compression: Compression | undefined;
  readonly compressAboveBytes: number;
  readonly maxValueBytes: number;
  readonly schemaVersion: number;
  readonly schema: StandardSchema<Value> | undefined;
}

/** A value that was read. */
export interface ReadValue<Value> {
  readonly value: Value;
  readonly envelope: Envelope;
}

export class ValueCodec<Value> {
  private readonly options: ValueCodecOptions<Value>;
  private readonly envelopes: EnvelopeReader;

  constructor(options: ValueCodecOptions<Value>) {
    this.options = options;
    this.envelopes = new EnvelopeReader(options.schemaVersion);
  }

  async write(
    value: Value,
    facts: Omit<EnvelopeFacts, 'codec' | 'compression' | 'schemaVersion'>,
  ): Promise<Uint8Array> {
    const { codec, compression, compressAboveBytes, schemaVersion, maxValueBytes } = this.options;
    const plain = codec.encode(value);
    if (plain.length > maxValueBytes)
      throw new RangeError(`a value of ${plain.length} bytes is larger than ${maxValueBytes}`);
    const isCompressed = compression !== undefined && plain.length > compressAboveBytes;
    const payload = isCompressed ? await compression.compress(plain) : plain;
    return sealed(
      { ...facts, codec: codec.id, compression: isCompressed ? compression.id : 0, schemaVersion },
      payload,
    );
  }

  /**
   * What the bytes hold: at once, or where they are compressed or a schema has its say, a promise of it.
   *
   * @throws PoisonError when the bytes are no value of this cache; the promise rejects with the same.
   */
  read(bytes: Uint8Array, key: string): ReadValue<Value> | Promise<ReadValue<Value>> {
    const { codec, schema } = this.options;
    const envelope = this.envelopes.open(bytes, key);
    if (envelope.codec !== codec.id) throw new PoisonError('of an unknown codec');
    if (envelope.compression !== 0 || schema !== undefined) return this.readSlowly(envelope);
    return { value: this.decoded(envelope.payload) as Value, envelope };
  }

  private async readSlowly(envelope: Envelope): Promise<ReadValue<Value>> {
    return { value: await this.valid(this.decoded(await this.unpacked(envelope))), envelope };
  }

  private async unpacked({ compression, payload }: Envelope): Promise<Uint8Array> {
    if (compression === 0) return payload;
    try {
      return await decompress(compression, payload, this.options.maxValueBytes);
    } catch (error) {
      throw new PoisonError('undecodable', error);
    }
  }

  private decoded(plain: Uint8Array): unknown {
    try {
      return this.options.codec.decode(plain);
    } catch (error) {
      throw new PoisonError('undecodable', error);
    }
  }

  private async valid(value: unknown): Promise<Value> {
    const { schema } = this.options;
    if (schema === undefined) return value as Value;
    let result;
    try {
      result = await schema['~standard'].validate(value);
    } catch (error) {
      throw new PoisonError('invalid', error);
    }
    if (result.issues === undefined) return result.value;
    throw new PoisonError('invalid', new TypeError(result.issues.map(({ message }) => message).join('; ')));
  }
}
