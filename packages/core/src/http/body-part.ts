import type { TimeoutLane } from '../clock/timeout-queue.ts';
import { WaitLimit } from '../streaming/wait-limit.ts';

/** What limits the waits for chunks. */
export interface IdleLimits {
  /** Where they wait; undefined when they have no limit. */
  readonly idleLane: TimeoutLane | undefined;
  /** The error for a chunk that did not come in time. */
  overdue(phase: 'body'): Error;
}

/** The beginning of a body, or all of it. */
export class BodyPart {
  readonly bytes: ArrayBuffer;
  /** Whether there was no more. */
  readonly complete: boolean;

  constructor(bytes: ArrayBuffer, complete: boolean) {
    this.bytes = bytes;
    this.complete = complete;
  }

  /** Its beginning as text, where the response says that it is text or doesn't say what it is. */
  textOf({ headers }: Response, maxBytes: number): string | undefined {
    const type = headers.get('content-type');
    if (this.bytes.byteLength === 0 || (type !== null && !TEXTUAL.test(type))) return undefined;
    // Streaming leaves out a last character that the cut has broken.
    const cut = !this.complete || this.bytes.byteLength > maxBytes;
    return new TextDecoder().decode(this.bytes.slice(0, maxBytes), { stream: cut });
  }
}

const TEXTUAL = /json|text|xml|html|javascript|urlencoded/i;

/**
 * Reads a body up to `maxBytes` and lets go of the rest. A body that fits is read to its end, which is what frees its
 * connection for the next request.
 */
export async function readUpTo(response: Response, maxBytes: number, limits: IdleLimits): Promise<BodyPart> {
  if (response.body === null) return new BodyPart(new ArrayBuffer(0), true);
  const told = Number(response.headers.get('content-length') ?? Number.NaN);
  // With a coding such as gzip the length is that of what was sent, not of what it becomes.
  if (told <= maxBytes && limits.idleLane === undefined && !response.headers.has('content-encoding')) {
    return new BodyPart(await response.arrayBuffer(), true);
  }
  const reader = new PartReader(response.body, limits);
  return reader.read(maxBytes);
}

class PartReader {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly idle: WaitLimit;
  private overdue: { readonly error: unknown } | undefined = undefined;

  constructor(body: ReadableStream<Uint8Array>, limits: IdleLimits) {
    this.reader = body.getReader();
    this.idle = new WaitLimit(limits.idleLane, () => {
      const error = limits.overdue('body');
      this.overdue = { error };
      // This ends the read that waits.
      this.letGo(error);
    });
  }

  async read(maxBytes: number): Promise<BodyPart> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { done, value } = await this.nextChunk();
      if (done) return new BodyPart(joined(chunks, length), true);
      chunks.push(value);
      length += value.byteLength;
      if (length <= maxBytes) continue;
      this.letGo(undefined);
      return new BodyPart(joined(chunks, length).slice(0, maxBytes), false);
    }
  }

  private async nextChunk(): Promise<ReadableStreamReadResult<Uint8Array>> {
    this.idle.start();
    try {
      const result = await this.reader.read();
      if (this.overdue !== undefined) throw this.overdue.error;
      return result;
    } finally {
      this.idle.stop();
    }
  }

  /** Nobody waits until the other side has taken notice. */
  private letGo(reason: unknown): void {
    this.reader.cancel(reason).catch(() => undefined);
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
