import type { Clock } from '../clock/clock.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { StreamTimeoutError, type StreamWait } from './errors.ts';
import type { ResolvedStreamOptions } from './options.ts';
import type { Opened } from './open-call.ts';
import { OwnRun } from './own-run.ts';
import { readerOf, type SourceReader, type StreamSource } from './source.ts';
import { type End, StreamEnd } from './stream-end.ts';
import { waitLane, WaitLimit } from './wait-limit.ts';

/**
 * A stream under policies, to be read once. It reads on demand: nothing is taken from the source ahead of its reader but
 * the first chunk.
 */
export interface ResilientStream<T> extends AsyncIterableIterator<T, undefined> {
  next(): Promise<IteratorResult<T, undefined>>;
  /** The reader has had enough: lets go of the source and ends the call, which counts as a success. */
  return(): Promise<IteratorResult<T, undefined>>;
}

/** Opens the source of a stream. */
export type OpenSource<T> = (context: ExecutionContext) => StreamSource<T> | PromiseLike<StreamSource<T>>;

const DONE: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

interface Waiting<T> {
  resolve(result: IteratorResult<T, unknown>): void;
  reject(error: unknown): void;
}

/** The stream of one run, from before its first chunk. */
export class StreamOfRun<T> implements ResilientStream<T>, Opened<ResilientStream<T>> {
  readonly streamEnd: StreamEnd = new StreamEnd();
  private readonly run: OwnRun;
  private readonly firstChunk: WaitLimit;
  private readonly idle: WaitLimit;
  private readonly unread: WaitLimit;
  private source: SourceReader<T> | undefined = undefined;
  private first: IteratorResult<T, unknown> | undefined = undefined;
  /** Whether the reader knows what broke the stream off. */
  private told = false;
  /** The last read that was asked for: reads happen in turn. */
  private lastRead: Promise<void> | undefined = undefined;
  /** Ends the wait for a chunk. */
  private waiting: Waiting<T> | undefined = undefined;

  constructor(context: ExecutionContext, clock: Clock, options: ResolvedStreamOptions) {
    this.firstChunk = this.limit(clock, 'first-chunk', options.firstChunkTimeoutMs);
    this.idle = this.limit(clock, 'idle', options.idleTimeoutMs);
    this.unread = this.limit(clock, 'unread', options.unreadTimeoutMs);
    this.run = new OwnRun(context, (reason) => this.release(reason));
    this.run.follow();
  }

  get value(): this {
    return this;
  }

  /** Waits for the first chunk, or for the end of an empty stream. */
  async begin(open: OpenSource<T>): Promise<void> {
    this.firstChunk.start();
    try {
      this.first = await this.breakable(this.openAndRead(open));
    } finally {
      this.firstChunk.stop();
    }
    if (this.first.done === true) this.finish();
    else this.unread.start();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const read = this.lastRead === undefined ? this.read() : this.lastRead.then(() => this.read());
    const settled: Promise<void> = read.then(
      () => this.readSettled(settled),
      () => this.readSettled(settled),
    );
    this.lastRead = settled;
    return read;
  }

  return(): Promise<IteratorResult<T, undefined>> {
    if (this.streamEnd.end === undefined) {
      this.source?.stop(undefined);
      this.run.abort();
      this.finish();
      this.waiting?.resolve(DONE);
    }
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Breaks the stream off, at once, whatever its source does. */
  release(error: unknown): void {
    if (this.streamEnd.end !== undefined) return;
    this.stopWaiting();
    this.streamEnd.fail(error);
    this.source?.stop(error);
    this.run.abort(error);
    this.waiting?.reject(error);
  }

  private async openAndRead(open: OpenSource<T>): Promise<IteratorResult<T, unknown>> {
    const source = readerOf(await open(this.run));
    this.source = source;
    // It may have taken so long to open that nobody wants it any more.
    const { end } = this.streamEnd;
    if (end?.failed === true) {
      source.stop(end.error);
      throw end.error;
    }
    return source.next();
  }

  private async read(): Promise<IteratorResult<T, undefined>> {
    if (this.streamEnd.end !== undefined) return this.afterTheEnd(this.streamEnd.end);
    this.unread.stop();
    const result = this.first ?? (await this.nextChunk());
    this.first = undefined;
    // A reader that went away while this chunk was under way doesn't get it.
    if (this.streamEnd.end !== undefined) return this.afterTheEnd(this.streamEnd.end);
    if (result.done === true) {
      this.finish();
      return DONE;
    }
    this.unread.start();
    return result;
  }

  private async nextChunk(): Promise<IteratorResult<T, unknown>> {
    this.idle.start();
    try {
      return await this.breakable(this.source!.next());
    } catch (error) {
      this.told = true;
      throw error;
    } finally {
      this.idle.stop();
    }
  }

  /** The same promise, but rejected as soon as the stream is broken off; its own failure breaks the stream off. */
  private breakable(step: Promise<IteratorResult<T, unknown>>): Promise<IteratorResult<T, unknown>> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      // No race with a promise that lives as long as the stream: that would collect a reaction for every chunk.
      step.then(resolve, (error: unknown) => {
        this.release(error);
        // It may have been broken off before anybody waited.
        reject(error);
      });
    });
  }

  private readSettled(read: Promise<void>): void {
    if (this.lastRead === read) this.lastRead = undefined;
  }

  /** What broke it off is told once; like every iterator it is merely at its end afterwards. */
  private afterTheEnd(end: End): IteratorResult<T, undefined> {
    if (!end.failed || this.told) return DONE;
    this.told = true;
    throw end.error;
  }

  private finish(): void {
    this.stopWaiting();
    this.run.release();
    this.streamEnd.finish();
  }

  private stopWaiting(): void {
    this.unread.stop();
    this.idle.stop();
  }

  private limit(clock: Clock, wait: StreamWait, timeoutMs: number): WaitLimit {
    return new WaitLimit(waitLane(clock, timeoutMs), () => this.release(new StreamTimeoutError(wait, timeoutMs)));
  }
}
