/** The bytes of a body, and whether there was more. */
export interface BodyPart {
  readonly bytes: ArrayBuffer;
  readonly complete: boolean;
}

/**
 * Reads a body up to `maxBytes` and lets go of the rest. A body that fits is read to its end, which is what frees its
 * connection for the next request.
 */
export async function readUpTo(response: Response, maxBytes: number): Promise<BodyPart> {
  if (response.body === null) return { bytes: new ArrayBuffer(0), complete: true };
  const told = Number(response.headers.get('content-length') ?? Number.NaN);
  // With a coding such as gzip the length is that of what was sent, not of what it becomes.
  if (told <= maxBytes && !response.headers.has('content-encoding')) {
    return { bytes: await response.arrayBuffer(), complete: true };
  }
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { bytes: joined(chunks, length), complete: true };
    chunks.push(value);
    length += value.byteLength;
    if (length <= maxBytes) continue;
    await reader.cancel().catch(() => undefined);
    return { bytes: joined(chunks, length).slice(0, maxBytes), complete: false };
  }
}

function joined(chunks: readonly Uint8Array[], length: number): ArrayBuffer {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole.buffer;
}

const TEXTUAL = /json|text|xml|html|javascript|urlencoded/i;

/** The beginning of a body as text, where the response says that it is text or doesn't say what it is. */
export function textOf(response: Response, { bytes, complete }: BodyPart, maxBytes: number): string | undefined {
  const type = response.headers.get('content-type');
  if (bytes.byteLength === 0 || (type !== null && !TEXTUAL.test(type))) return undefined;
  // Streaming leaves out a last character that the cut has broken.
  return new TextDecoder().decode(bytes.slice(0, maxBytes), { stream: !complete || bytes.byteLength > maxBytes });
}
