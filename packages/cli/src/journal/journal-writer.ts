/**
 * Appends results to the journal. A line counts as written when write(2) has returned: it then survives the death of
 * the process. All lines that arrive while a write is on its way go out together in the next one, and under load the
 * next one waits a moment for more: a write costs as much as half a call over loopback, whatever it holds. fdatasync, which guards against the death of the machine, follows at most every 200 ms.
 */
import { writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from 'breakwater/clock';
import type { FrameKind } from './frame.ts';
import { encodeFrame } from './frame.ts';

export interface Appended {
  /** Where in the file the line begins. */
  readonly offset: number;
  /** Resolves when the line has been written; rejects when it could not be. */
  readonly written: Promise<void>;
}

interface Batch {
  text: string;
  lines: number;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const syncIntervalMs = 200;
const momentMs = 1;
const linesWorthAWrite = 16;
const writesWithoutWaiting = 50;

export class JournalWriter {
  readonly #file: FileHandle;
  readonly #clock: Clock;
  /** Where the next line will begin, and how far lines have been written. */
  #end: number;
  #written: number;
  #next: Batch | undefined;
  #writing: Promise<void> | undefined;
  #syncTimer: Timer | undefined;
  #syncing: Promise<void> | undefined;
  #unsynced = false;
  #lastWriteAt = -Infinity;
  /** So many writes are made without waiting for more lines, because waiting was of no use. */
  #useless = 0;
  #failure: unknown;

  /** @param size Where to go on: the length of the file's valid part. */
  constructor(file: FileHandle, size: number, clock: Clock) {
    this.#file = file;
    this.#end = size;
    this.#written = size;
    this.#clock = clock;
  }

  append(kind: FrameKind, position: number, json: string): Appended {
    const line = encodeFrame(kind, position, json);
    const offset = this.#end;
    this.#end += Buffer.byteLength(line);
    const batch = (this.#next ??= newBatch());
    batch.text += line;
    batch.lines += 1;
    this.#writing ??= this.#writeAll();
    return { offset, written: batch.done };
  }

  /** Everything that was appended is on the disk, and the file is closed. */
  async close(): Promise<void> {
    this.#syncTimer?.cancel();
    this.#syncTimer = undefined;
    await this.#writing;
    await this.#syncing;
    if (this.#unsynced && this.#failure === undefined) await this.#file.datasync();
    await this.#file.close();
  }

  async #writeAll(): Promise<void> {
    // Whatever is settled in this turn shares the first write.
    await Promise.resolve();
    for (let batch = this.#next; batch !== undefined; batch = this.#next) {
      if (batch.lines < linesWorthAWrite && this.#moreMayCome()) await this.#gather(batch);
      this.#next = undefined;
      try {
        if (this.#failure !== undefined) throw this.#failure;
        const bytes = Buffer.from(batch.text);
        // A write into the system's memory is over sooner than a thread could be woken for it. While the disk is busy
        // with a sync it may take long, and must not hold up everything else.
        if (this.#syncing === undefined) this.#writeAtOnce(bytes);
        else await this.#write(bytes);
        this.#lastWriteAt = this.#clock.now();
        batch.resolve();
      } catch (error) {
        // Lines after a hole would stand at other offsets than those that were told.
        this.#failure = error;
        batch.reject(error);
      }
      this.#syncSoon();
    }
    this.#writing = undefined;
  }

  /** Writes follow each other closely, and waiting was of use when it was tried last. */
  #moreMayCome(): boolean {
    if (this.#clock.now() - this.#lastWriteAt > momentMs) return false;
    this.#useless = Math.max(0, this.#useless - 1);
    return this.#useless === 0;
  }

  async #gather(batch: Batch): Promise<void> {
    const before = batch.lines;
    await new Promise<void>((resolve) => void this.#clock.setTimer(momentMs, resolve));
    // A single worker gives its next result only when this one is written.
    if (batch.lines === before) this.#useless = writesWithoutWaiting;
  }

  #writeAtOnce(bytes: Buffer): void {
    for (let from = 0; from < bytes.length;) {
      const written = writeSync(this.#file.fd, bytes, from, bytes.length - from, this.#written);
      from += written;
      this.#written += written;
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      // At a place of its own: the reader shares the file, and its position.
      const { bytesWritten } = await this.#file.write(bytes, from, bytes.length - from, this.#written);
      from += bytesWritten;
      this.#written += bytesWritten;
    }
  }

  #syncSoon(): void {
    this.#unsynced = true;
    if (this.#syncTimer !== undefined || this.#syncing !== undefined) return;
    this.#syncTimer = this.#clock.setTimer(syncIntervalMs, () => {
      this.#syncTimer = undefined;
      this.#unsynced = false;
      this.#syncing = this.#file
        .datasync()
        .catch((error: unknown) => void (this.#failure = error))
        .finally(() => {
          this.#syncing = undefined;
          if (this.#unsynced && this.#failure === undefined) this.#syncSoon();
        });
    });
  }
}

function newBatch(): Batch {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const done = new Promise<void>((onDone, onFailed) => ([resolve, reject] = [onDone, onFailed]));
  // The rows that wait for it handle the failure; without one nobody does.
  done.catch(() => undefined);
  return { text: '', lines: 0, done, resolve, reject };
}
