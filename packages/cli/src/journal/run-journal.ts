/**
 * The folder `<out>.breakwater` beside the output: the lock, the journal, and the output while it is made. The journal
 * is the truth, the output a view of it.
 *
 * While a run goes on the journal holds a header and a line per settled row. When all rows are settled an end line
 * follows; when all of them are answered, header and end line alone are kept, so that `--resume` can tell a finished
 * run from one that never was, and from one over another input.
 */
import { access, mkdir, open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from 'breakwater/clock';
import { configurationError, usageError } from '../command-line/command-error.ts';
import { failureOf } from '../output/row-result.ts';
import { encodeFrame } from './frame.ts';
import { readJournal, ResultReader } from './journal-reader.ts';
import { JournalWriter } from './journal-writer.ts';
import { RowIndex, rowState } from './row-index.ts';
import type { RunIdentity } from './run-identity.ts';
import { differences } from './run-identity.ts';
import { lockOutput } from './run-lock.ts';
import type { RunLock } from './run-lock.ts';

export interface RunJournalOptions {
  readonly outputPath: string;
  readonly identity: RunIdentity;
  readonly start: 'new' | 'resume' | 'fresh';
  readonly retryFailed: boolean;
  /** `--offset`: positions begin after it. */
  readonly base: number;
  readonly expectedRows: number | undefined;
  readonly clock: Clock;
}

/** What the end line says. */
interface End {
  readonly rows: number;
  readonly answered: number;
  readonly failed: number;
}

export class RunJournal {
  readonly folder: string;
  readonly index: RowIndex;
  readonly reader: ResultReader;
  /** The run was over when it was opened, and its output is there: nothing is left to do. */
  readonly finished: End | undefined;
  /** Rows that were settled when it was opened, those to be called again left out. */
  readonly resumedRows: number;
  readonly #file: FileHandle;
  readonly #lock: RunLock;
  readonly #identity: RunIdentity;
  #writer: JournalWriter | undefined;

  /** Made by {@link openJournal}. */
  constructor(opened: {
    readonly folder: string;
    readonly file: FileHandle;
    readonly lock: RunLock;
    readonly identity: RunIdentity;
    readonly index: RowIndex;
    readonly finished: End | undefined;
    readonly size: number;
    readonly clock: Clock;
  }) {
    this.folder = opened.folder;
    this.index = opened.index;
    this.finished = opened.finished;
    this.resumedRows = opened.index.settled;
    this.reader = new ResultReader(opened.file);
    this.#file = opened.file;
    this.#lock = opened.lock;
    this.#identity = opened.identity;
    this.#writer = new JournalWriter(opened.file, opened.size, opened.clock);
  }

  /** Writes a row's result, and gives its bytes. When the promise resolves, a resumed run will know it. */
  settle(position: number, ok: boolean, json: string): Promise<Buffer> {
    if (this.#writer === undefined) return Promise.reject(new Error('the journal is closed'));
    const { offset, result, written } = this.#writer.append(ok ? 'A' : 'F', position, json);
    return written.then(() => {
      this.index.set(position, ok ? rowState.answered : rowState.failed, offset);
      return result;
    });
  }

  /** The results that count, in the order in which they came. */
  async *inOrderOfCompletion(): AsyncGenerator<Buffer, void> {
    for await (const line of readJournal(this.#file)) {
      const counts = line.kind === 'A' || line.kind === 'F';
      if (!counts || this.index.offset(line.position) !== line.offset) continue;
      if (this.index.state(line.position) !== rowState.open) yield line.result;
    }
  }

  /** Calls `tell` for each row that counts as failed. */
  async failures(tell: (position: number, category: string, message: string) => void): Promise<void> {
    if (this.index.failed === 0) return;
    for await (const line of readJournal(this.#file)) {
      if (line.kind !== 'F' || this.index.offset(line.position) !== line.offset) continue;
      const { category, message } = failureOf(line.result);
      tell(line.position, category, message);
    }
  }

  /** All rows are settled and stand in the output. */
  async finish(): Promise<void> {
    const { settled, answered, failed } = this.index;
    const end = JSON.stringify({ rows: settled, answered, failed } satisfies End);
    if (failed > 0) {
      await this.#writer?.append('E', 0, end).written;
      return;
    }
    await writeWhole(this.folder, encodeFrame('H', 0, JSON.stringify(this.#identity)), encodeFrame('E', 0, end));
  }

  /** Everything is on the disk, and another run may come. Idempotent. */
  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    if (writer === undefined) return;
    try {
      await writer.close();
    } finally {
      await this.#lock.release();
    }
  }
}

const journalName = 'journal';

function journalFolder(outputPath: string): string {
  return `${outputPath}.breakwater`;
}

export async function openJournal(options: RunJournalOptions): Promise<RunJournal> {
  const { outputPath, identity, start } = options;
  const folder = journalFolder(outputPath);
  await makeFolder(folder);
  const lock = await lockOutput(folder, outputPath);
  try {
    const path = join(folder, journalName);
    const [hasJournal, hasOutput] = await Promise.all([exists(path), exists(outputPath)]);
    if (start === 'new' && (hasJournal || hasOutput)) throw alreadyThere(outputPath, hasJournal);
    if (start === 'resume' && hasOutput && !hasJournal) {
      throw usageError(
        `--resume: ${outputPath} is there, but not its journal ${path}, so nobody can say which rows it lacks. ` +
          `Give another --out, or --fresh to write it anew.`,
      );
    }
    if (start === 'fresh' || !hasJournal) {
      await writeWhole(folder, encodeFrame('H', 0, JSON.stringify(identity)));
      if (start === 'fresh') await rm(outputPath, { force: true });
    }
    const file = await open(path, 'r+');
    try {
      return new RunJournal({
        ...(await load(file, options, hasOutput)),
        folder,
        file,
        lock,
        identity,
        clock: options.clock,
      });
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Reads what is known of each row, and cuts off what a crash has torn. */
async function load(
  file: FileHandle,
  options: RunJournalOptions,
  hasOutput: boolean,
): Promise<{ index: RowIndex; finished: End | undefined; size: number }> {
  const index = new RowIndex(options.base, options.expectedRows);
  const lines = readJournal(file);
  let known = false;
  let end: End | undefined;
  let next = await lines.next();
  for (; next.done !== true; next = await lines.next()) {
    const line = next.value;
    if (line.kind === 'H') {
      refuseOther(JSON.parse(line.result.toString()) as RunIdentity, options);
      known = true;
    } else if (line.kind === 'E') end = JSON.parse(line.result.toString()) as End;
    else index.set(line.position, line.kind === 'A' ? rowState.answered : rowState.failed, line.offset);
  }
  if (!known)
    throw usageError(
      `the journal in ${journalFolder(options.outputPath)} is damaged at its beginning. Say --fresh to start anew.`,
    );
  await file.truncate(next.value);
  const compacted = end !== undefined && index.settled < end.rows;
  if (compacted && !hasOutput) {
    // A finished run whose output has been taken away: nothing is known of its rows any more.
    return {
      index: new RowIndex(options.base, options.expectedRows),
      finished: undefined,
      size: await beginAnew(file, options.identity),
    };
  }
  const reopened = options.retryFailed ? index.reopenFailed() : 0;
  return { index, finished: reopened === 0 && hasOutput ? end : undefined, size: next.value };
}

async function beginAnew(file: FileHandle, identity: RunIdentity): Promise<number> {
  const header = encodeFrame('H', 0, JSON.stringify(identity));
  await file.truncate(0);
  await file.write(header, 0, header.length, 0);
  return header.length;
}

function refuseOther(then: RunIdentity, options: RunJournalOptions): void {
  const different = differences(then, options.identity);
  if (different.length === 0) return;
  throw usageError(
    `--resume: ${options.outputPath} was begun by another job: ${different.join('; ')}. ` +
      `Give what was given then, or another --out, or --fresh to forget its results.`,
  );
}

function alreadyThere(outputPath: string, hasJournal: boolean): Error {
  const what = hasJournal ? 'an earlier run has written results to' : 'there is already a file';
  return usageError(
    `${what} ${outputPath}. Say --resume to go on with it (only what is missing is called), or --fresh to forget it and start anew.`,
  );
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw configurationError(
      `the folder ${folder} cannot be made (${code}). Give --out a place that can be written to.`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** A journal is never seen half made. */
async function writeWhole(folder: string, ...lines: readonly Buffer[]): Promise<void> {
  const aside = join(folder, `${journalName}.new`);
  const file = await open(aside, 'w');
  await file.writeFile(Buffer.concat(lines));
  await file.datasync();
  await file.close();
  await rename(aside, join(folder, journalName));
}
