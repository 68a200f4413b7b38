import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { inputError } from '../command-line/command-error.ts';
import { checkedBytes } from './checked-bytes.ts';
import { readDelimited } from './csv-reader.ts';
import { detectDialect, holdsFirstLine, inputFormat } from './dialect.ts';
import type { InputFormat } from './dialect.ts';
import { readJsonLines } from './jsonl-reader.ts';
import type { InputRow } from './row.ts';

/** What the user said about the input. */
export interface InputOptions {
  /** A path, or `-` for standard input. */
  readonly path: string;
  readonly format: InputFormat | undefined;
  readonly delimiter: string | undefined;
  /** False: quotes are text like any other. */
  readonly quote: boolean;
}

/** An input that has been opened: what its head tells is known, its rows are still to come. */
export interface OpenInput {
  readonly name: string;
  readonly format: InputFormat;
  /** The header; undefined for JSON Lines, where each row names its own columns. */
  readonly columns: readonly string[] | undefined;
  /** The rows of a chunk together; a batch may be empty. */
  readonly batches: AsyncGenerator<readonly InputRow[], void>;
}

const maxHeadBytes = 64 * 1024;

/** @param tap Sees every byte of the file as it is read: to hash it. */
export async function openInput(options: InputOptions, tap?: (chunk: Buffer) => void): Promise<OpenInput> {
  const name = options.path === '-' ? '<stdin>' : options.path;
  const source = options.path === '-' ? process.stdin : await openFile(options.path);
  const bytes = checkedBytes(tapped(source, tap), name);
  const { head, all } = await withHead(bytes);
  if (head === '') throw inputError(`${name} is empty: a header line or a JSON object is needed.`);
  const format = inputFormat(options.format, name, head);
  if (format === 'jsonl') return { name, format, columns: undefined, batches: readJsonLines(all, name) };
  const dialect = detectDialect(head, format, options);
  const { columns, batches } = await readDelimited(all, dialect, name);
  return { name, format, columns, batches };
}

/** The size of a file; undefined for a pipe, and for what cannot be opened anyway. */
export async function inputBytes(options: InputOptions): Promise<number | undefined> {
  if (options.path === '-') return undefined;
  return await stat(options.path).then(
    ({ size }) => size,
    () => undefined,
  );
}

async function openFile(path: string): Promise<AsyncIterable<Buffer>> {
  try {
    if ((await stat(path)).isDirectory()) throw inputError(`${path} is a folder; a CSV, TSV or JSONL file is needed.`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw inputError(`${path} does not exist. Check the path; for standard input say -.`);
    if (code === 'EACCES') throw inputError(`${path} may not be read by this user. Check its permissions.`);
    throw error;
  }
  return createReadStream(path, { highWaterMark: 64 * 1024 });
}

async function* tapped(source: AsyncIterable<Buffer>, tap?: (chunk: Buffer) => void): AsyncGenerator<Buffer, void> {
  for await (const chunk of source) {
    tap?.(chunk);
    yield chunk;
  }
}

/** Reads until the first line is there, and gives it together with all bytes from the beginning. */
async function withHead(bytes: AsyncGenerator<Buffer, void>): Promise<{ head: string; all: AsyncIterable<Buffer> }> {
  const read: Buffer[] = [];
  let size = 0;
  let head = '';
  while (size < maxHeadBytes && !holdsFirstLine(head)) {
    const next = await bytes.next();
    if (next.done === true) break;
    read.push(next.value);
    size += next.value.length;
    head = Buffer.concat(read).subarray(0, maxHeadBytes).toString('utf8');
  }
  async function* all(): AsyncGenerator<Buffer, void> {
    yield* read.splice(0);
    yield* bytes;
  }
  return { head, all: all() };
}
