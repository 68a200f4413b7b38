/**
 * The output is a view of the journal: it can be made again from it at any time, so it is written lazily and in large
 * pieces. It comes into being beside the journal and is moved into place when it holds what the journal holds.
 */
import { open, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from 'breakwater/clock';
import type { ResultReader } from '../journal/journal-reader.ts';
import type { RowIndex } from '../journal/row-index.ts';
import { rowState } from '../journal/row-index.ts';
import type { Result, ResultEncoder } from './result-encoder.ts';

const pieceBytes = 64 * 1024;
/** Results that wait for an earlier row stay in memory up to here; those beyond are read back from the journal. */
const maxHeldBytes = 1024 * 1024;
const flushIntervalMs = 150;

/** Where settled results go. */
export interface ResultOutput {
  /** A result whose line stands in the journal. A promise that comes back is to be awaited before the next row. */
  settled(position: number, result: Result): Promise<void> | undefined;
  /** Writes what can be written, and closes. */
  close(): Promise<void>;
  /** Rows that the file holds. */
  readonly rows: number;
}

/** A file under construction. */
export class ResultFile {
  readonly #file: FileHandle;
  readonly #temporary: string;
  readonly #encoder: ResultEncoder;
  rows = 0;

  private constructor(file: FileHandle, temporary: string, encoder: ResultEncoder) {
    this.#file = file;
    this.#temporary = temporary;
    this.#encoder = encoder;
  }

  static async begin(temporary: string, encoder: ResultEncoder): Promise<ResultFile> {
    const file = await open(temporary, 'w');
    if (encoder.head !== '') await file.appendFile(encoder.head);
    return new ResultFile(file, temporary, encoder);
  }

  async write(results: readonly Result[]): Promise<void> {
    await this.#file.appendFile(this.#encoder.encode(results));
    this.rows += results.length;
  }

  /** The file takes its final name; writing goes on. */
  async moveTo(path: string): Promise<void> {
    await this.#file.datasync();
    await rename(this.#temporary, path);
  }

  async close(): Promise<void> {
    await this.#file.datasync();
    await this.#file.close();
  }
}

/** In order of the input: the finished prefix is appended as it grows. */
export class OrderedOutput implements ResultOutput {
  readonly #file: ResultFile;
  readonly #reader: ResultReader;
  readonly #index: RowIndex;
  readonly #flush: LazyFlush;
  readonly #held = new Map<number, Result>();
  #heldBytes = 0;
  #next: number;

  constructor(file: ResultFile, reader: ResultReader, index: RowIndex, firstPosition: number, clock: Clock) {
    this.#file = file;
    this.#reader = reader;
    this.#index = index;
    this.#next = firstPosition;
    this.#flush = new LazyFlush(clock, () => this.catchUp());
  }

  get rows(): number {
    return this.#file.rows;
  }

  settled(position: number, result: Result): undefined {
    if (this.#heldBytes < maxHeldBytes) {
      this.#held.set(position, result);
      this.#heldBytes += result.length;
    }
    if (this.#index.state(this.#next) === rowState.open) return;
    if (this.#heldBytes >= pieceBytes) void this.#flush.now();
    else this.#flush.soon();
  }

  /** Writes the finished prefix as far as it reaches. */
  async catchUp(): Promise<void> {
    for (let piece = await this.#piece(); piece.length > 0; piece = await this.#piece()) await this.#file.write(piece);
  }

  async close(): Promise<void> {
    await this.#flush.end();
    await this.#file.close();
  }

  async #piece(): Promise<Result[]> {
    const piece: Result[] = [];
    for (let bytes = 0; bytes < pieceBytes && this.#index.state(this.#next) !== rowState.open; this.#next += 1) {
      const held = this.#held.get(this.#next);
      if (held !== undefined) {
        this.#held.delete(this.#next);
        this.#heldBytes -= held.length;
      }
      const result = held ?? (await this.#reader.read(this.#index.offset(this.#next)));
      bytes += result.length;
      piece.push(result);
    }
    return piece;
  }
}

/** In order of completion: every result is appended when it comes. */
export class CompletionOutput implements ResultOutput {
  readonly #file: ResultFile;
  readonly #flush: LazyFlush;
  #waiting: Result[] = [];
  #waitingBytes = 0;

  constructor(file: ResultFile, clock: Clock) {
    this.#file = file;
    this.#flush = new LazyFlush(clock, async () => {
      while (this.#waiting.length > 0) {
        const piece = this.#waiting;
        this.#waiting = [];
        this.#waitingBytes = 0;
        await this.#file.write(piece);
      }
    });
  }

  get rows(): number {
    return this.#file.rows;
  }

  settled(_position: number, result: Result): Promise<void> | undefined {
    this.#waiting.push(result);
    this.#waitingBytes += result.length;
    if (this.#waitingBytes < pieceBytes) {
      this.#flush.soon();
      return undefined;
    }
    const flushed = this.#flush.now();
    return this.#waitingBytes >= maxHeldBytes ? flushed : undefined;
  }

  async close(): Promise<void> {
    await this.#flush.end();
    await this.#file.close();
  }
}

/** Runs a task once at a time: now, or within a short while for all who asked. */
class LazyFlush {
  readonly #clock: Clock;
  readonly #task: () => Promise<void>;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #failure: unknown;

  constructor(clock: Clock, task: () => Promise<void>) {
    this.#clock = clock;
    this.#task = task;
  }

  soon(): void {
    this.#timer ??= this.#clock.setTimer(flushIntervalMs, () => {
      this.#timer = undefined;
      void this.now();
    });
  }

  now(): Promise<void> {
    this.#running ??= this.#task()
      .catch((error: unknown) => void (this.#failure = error))
      .finally(() => (this.#running = undefined));
    return this.#running;
  }

  async end(): Promise<void> {
    this.#timer?.cancel();
    await this.#running;
    await this.now();
    if (this.#failure !== undefined) throw this.#failure;
  }
}
