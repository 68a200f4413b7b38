import { bytesText, type Codec, textBytes } from './codec.ts';

/** JSON: the default. What JSON can't hold (dates, maps, bytes, bigints) comes back as something else; see {@link richCodec}. */
export const jsonCodec: Codec = Object.freeze({
  id: 1,
  name: 'json',
  encode(value: unknown): Uint8Array {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new TypeError(`JSON has no form for a ${typeof value}`);
    return textBytes(text);
  },
  decode: (bytes: Uint8Array): unknown => JSON.parse(bytesText(bytes)),
});
