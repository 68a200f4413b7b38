/** Who is told what happens to a {@link BodyStream}. */
export interface BodyReader {
  /** Somebody waits for a chunk. */
  waits(): void;
  /** The chunk is there, and the next is not asked for yet. */
  served(): void;
  finished(): void;
  /** The platform broke the body off; returns nothing: the stream is told by {@link BodyStream.fail}. */
  brokeOff(error: unknown): void;
}

/**
 * A byte stream that passes another one on, on demand only: what it reads from is read when its own reader asks. It can
 * be broken off with any error, at once, also while nobody reads.
 */
export class BodyStream implements UnderlyingByteSource {
  readonly type = 'bytes';
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  private readonly source: ReadableStreamDefaultReader<Uint8Array>;
  private readonly reader: BodyReader;
  private controller: ReadableByteStreamController | undefined = undefined;
  private over = false;

  constructor(source: ReadableStream<Uint8Array>, reader: BodyReader) {
    this.source = source.getReader();
    this.reader = reader;
    this.stream = new ReadableStream(this, { highWaterMark: 0 });
  }

  start(controller: ReadableByteStreamController): void {
    this.controller = controller;
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    this.reader.waits();
    try {
      const chunk = await this.nextChunk();
      if (this.over) return;
      if (chunk === undefined) {
        this.over = true;
        this.reader.finished();
        controller.close();
        controller.byobRequest?.respond(0);
      } else {
        this.reader.served();
        controller.enqueue(chunk);
      }
    } catch (error) {
      this.reader.brokeOff(error);
    }
  }

  cancel(reason: unknown): Promise<void> {
    this.over = true;
    this.reader.finished();
    return this.source.cancel(reason);
  }

  /** Breaks it off, and lets go of what it reads from. */
  fail(error: unknown): void {
    if (this.over) return;
    this.over = true;
    this.controller?.error(error);
    this.source.cancel(error).catch(() => undefined);
  }

  /** The next chunk that is not empty, which a byte stream doesn't take; undefined at the end. */
  private async nextChunk(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      const { done, value } = await this.source.read();
      if (done) return undefined;
      if (value.byteLength > 0) return value as Uint8Array<ArrayBuffer>;
    }
  }
}
