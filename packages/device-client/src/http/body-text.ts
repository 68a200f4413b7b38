import { InvalidResponse } from '../errors/errors.ts';

/** How large an answer may be, in bytes: a thousand devices with a hundred readings each have room. */
const MOST_BYTES = 67_108_864;

/**
 * The body of a response as text.
 *
 * @throws InvalidResponse when it is larger than 64 MiB: nobody reads for ever.
 */
export async function bodyText(response: Response, what: string): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > MOST_BYTES) {
      const error = new InvalidResponse(`${what}: the answer is larger than ${MOST_BYTES} bytes`, []);
      await reader.cancel(error);
      throw error;
    }
    text += decoder.decode(value, { stream: true });
  }
}
