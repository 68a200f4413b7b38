/** How values become bytes and come back. Data only: a codec never runs what it reads. */
export interface Codec {
  /** What a stored value says it was written with: 1 to 15 are the library's, 16 to 255 are free. */
  readonly id: number;
  readonly name: string;
  encode(value: unknown): Uint8Array;
  /** @throws Anything, when the bytes are not what `encode` made. */
  decode(bytes: Uint8Array): unknown;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** @internal */
export function textBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @internal @throws TypeError for bytes that are no UTF-8. */
export function bytesText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
