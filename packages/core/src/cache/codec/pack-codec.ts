import type { Codec } from './codec.ts';

/** What of msgpackr is needed: the package itself, or a `Packr` of one's own settings. */
export interface PackPort {
  pack(value: unknown): Uint8Array;
  unpack(bytes: Uint8Array): unknown;
}

/**
 * MessagePack by msgpackr, which the caller brings: `packCodec(new Packr())`. Give it a packer that doesn't share record
 * structures: other processes would not know them.
 */
export function packCodec(packer: PackPort): Codec {
  return Object.freeze({
    id: 3,
    name: 'msgpack',
    encode: (value: unknown): Uint8Array => packer.pack(value),
    decode: (bytes: Uint8Array): unknown => packer.unpack(bytes),
  });
}
