/** Takes from a stream what is at hand, as batches. */
import type { Readable } from 'node:stream';

export class BatchReader<T> {
  private readonly stream: Readable;
  private readonly most: number;
  private wake: (() => void) | undefined = undefined;
  private failure: unknown = undefined;

  constructor(stream: Readable, most: number) {
    this.stream = stream;
    this.most = most;
    const stir = (): void => this.stir();
    for (const event of ['readable', 'end', 'close']) stream.on(event, stir);
    stream.on('error', (error) => {
      this.failure = error;
      this.stir();
    });
  }

  /** Ends a wait for messages: `next` then resolves to none. */
  stir(): void {
    this.wake?.();
    this.wake = undefined;
  }

  /** The messages at hand, or those that come next, or none where the wait was ended. Throws when the stream has failed or ended. */
  async next(): Promise<readonly T[]> {
    let batch = this.read();
    if (batch.length > 0) return batch;
    this.check();
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    batch = this.read();
    if (batch.length === 0) this.check();
    return batch;
  }

  private read(): readonly T[] {
    const batch: T[] = [];
    while (batch.length < this.most) {
      const message = this.stream.read() as T | null;
      if (message === null) break;
      batch.push(message);
    }
    return batch;
  }

  private check(): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.stream.readableEnded || this.stream.destroyed) throw new Error('the stream of messages has ended');
  }
}
