/** From a value to the bytes of the second tier and back: codec, compression, envelope, schema. */
import type { Codec } from './codec.ts';
import { type Compression, decompress } from './compression.ts';
import { type Envelope, type EnvelopeFacts, opened, PoisonError, sealed } from './envelope.ts';
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

  constructor(options: ValueCodecOptions<Value>) {
    this.options = options;
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

  /** @throws PoisonError when the bytes are no value of this cache. */
  async read(bytes: Uint8Array, key: string): Promise<ReadValue<Value>> {
    const envelope = opened(bytes, key, this.options.schemaVersion);
    if (envelope.codec !== this.options.codec.id) throw new PoisonError('of an unknown codec');
    return { value: await this.valid(await this.decoded(envelope)), envelope };
  }

  private async decoded({ compression, payload }: Envelope): Promise<unknown> {
    const { codec, maxValueBytes } = this.options;
    try {
      return codec.decode(compression === 0 ? payload : await decompress(compression, payload, maxValueBytes));
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
