/**
 * Appends results to the journal. A line counts as written when write(2) has returned: it then survives the death of
 * the process. A write costs as much as a good part of a call over loopback, whatever it holds, so the lines of one turn
 * of the event loop go out together: no line waits for another that is still to come. fdatasync, which guards against
 * the death of the machine, follows at most every 200 ms.
 */
import { writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from 'breakwater/clock';
import type { FrameKind } from './frame.ts';
import { encodeFrame, resultOf } from './frame.ts';

export interface Appended {
  /** Where in the file the line begins. */
  readonly offset: number;
  /** Its JSON and line break. */
  readonly result: Buffer;
  /** Resolves when the line has been written; rejects when it could not be. */
  readonly written: Promise<void>;
}

interface Batch {
  readonly lines: Buffer[];
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const syncIntervalMs = 200;

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
    this.#end += line.length;
    if (this.#next === undefined) {
      this.#next = newBatch();
      atEndOfTurn(() => this.#flush());
    }
    this.#next.lines.push(line);
    return { offset, result: resultOf(line), written: this.#next.done };
  }

  /** Everything that was appended is on the disk, and the file is closed. */
  async close(): Promise<void> {
    this.#syncTimer?.cancel();
    this.#syncTimer = undefined;
    this.#flush();
    while (this.#writing !== undefined) await this.#writing;
    await this.#syncing;
    if (this.#unsynced && this.#failure === undefined) await this.#file.datasync();
    await this.#file.close();
  }

  /**
   * A write into the system's memory is over sooner than a thread could be woken for it. While the disk is busy with a
   * sync it may take long, and must not hold up everything else.
   */
  #flush(): void {
    const batch = this.#next;
    if (batch === undefined || this.#writing !== undefined) return;
    this.#next = undefined;
    const bytes = Buffer.concat(batch.lines);
    if (this.#syncing === undefined) {
      this.#settle(batch, () => this.#writeAtOnce(bytes));
      return;
    }
    this.#writing = this.#write(bytes)
      .then(
        () => this.#settle(batch),
        (error: unknown) => this.#fail(batch, error),
      )
      .finally(() => {
        this.#writing = undefined;
        this.#flush();
      });
  }

  #settle(batch: Batch, write?: () => void): void {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      write?.();
      batch.resolve();
      this.#syncSoon();
    } catch (error) {
      this.#fail(batch, error);
    }
  }

  /** Lines after a hole would stand at other offsets than those that were told, so nothing is written any more. */
  #fail(batch: Batch, error: unknown): void {
    this.#failure ??= error;
    batch.reject(error);
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
  return { lines: [], done, resolve, reject };
}

/** When the answers that had come when this turn of the event loop began have all been looked at. */
function atEndOfTurn(task: () => void): void {
  // oxlint-disable-next-line no-restricted-globals -- no time passes: a clock's timer would be a millisecond late
  setImmediate(task);
}
