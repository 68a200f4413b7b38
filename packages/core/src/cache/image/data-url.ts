import { BreakwaterError, nameError } from '../../errors/breakwater-error.ts';

/** What is wrong with an image that came as a data URL. */
export type ImageDataFault = 'IMAGE_NOT_DATA_URL' | 'IMAGE_NOT_BASE64' | 'IMAGE_BAD_BASE64' | 'IMAGE_TOO_LARGE';

const sentences: Readonly<Record<ImageDataFault, string>> = {
  IMAGE_NOT_DATA_URL: 'not a data URL of an image',
  IMAGE_NOT_BASE64: 'a data URL whose data is not said to be base64',
  IMAGE_BAD_BASE64: 'a data URL whose data is no base64',
  IMAGE_TOO_LARGE: 'a data URL of an image that is too large',
};

/**
 * An image that can't be read. Category `validation`; its code says why: `IMAGE_NOT_DATA_URL`, `IMAGE_NOT_BASE64`,
 * `IMAGE_BAD_BASE64`, `IMAGE_TOO_LARGE`.
 */
export class ImageDataError extends BreakwaterError {
  constructor(code: ImageDataFault, details?: Readonly<Record<string, unknown>>) {
    super(sentences[code], { code, category: 'validation', details });
  }
}
nameError(ImageDataError, 'ImageDataError');

/** An image, out of its data URL. */
export interface ImageData {
  /** `image/png` */
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** `image/svg+xml;charset=utf-8`, and whether it goes on with `;base64`. */
const HEAD = /^(image\/[a-z0-9][a-z0-9.+-]*)((?:;[a-z0-9-]+=[^;,\s]*)*)(;base64)?$/i;
const LONGEST_HEAD = 1_024;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Reads an image from a data URL, strictly: padded base64 without blanks.
 *
 * @throws ImageDataError
 */
export function parseImageUrl(dataUrl: string, maxBytes: number): ImageData {
  const comma = typeof dataUrl === 'string' ? dataUrl.slice(0, LONGEST_HEAD).indexOf(',') : -1;
  if (comma < 0 || !/^data:/i.test(dataUrl)) throw new ImageDataError('IMAGE_NOT_DATA_URL');
  const head = HEAD.exec(dataUrl.slice('data:'.length, comma));
  if (head === null) throw new ImageDataError('IMAGE_NOT_DATA_URL');
  if (head[3] === undefined) throw new ImageDataError('IMAGE_NOT_BASE64');
  const data = dataUrl.slice(comma + 1);
  const size = Math.floor((data.length * 3) / 4) - (data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0);
  // Before anything looks at all of it.
  if (size > maxBytes) throw new ImageDataError('IMAGE_TOO_LARGE', { bytes: size, maxBytes });
  if (data === '' || data.length % 4 !== 0 || !BASE64.test(data)) throw new ImageDataError('IMAGE_BAD_BASE64');
  return { mediaType: head[1]!.toLowerCase(), bytes: Uint8Array.from(atob(data), (unit) => unit.charCodeAt(0)) };
}

/** Bytes as base64. */
export function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(text);
}
