import { createHash } from 'node:crypto';
import { memberNames } from '../json/raw-value.ts';
import { openInput } from './open-input.ts';
import type { InputOptions, OpenInput } from './open-input.ts';
import type { InputRow } from './row.ts';

/**
 * A file is read once before the first call: faults that make it unreadable are known while nothing has been called,
 * the number of rows is known for the time that is left, and its hash tells whether a resumed run has the same input.
 * It costs about three seconds per million rows.
 */
export interface Survey {
  readonly rows: number;
  /** All names that occur, in order of first occurrence. */
  readonly columns: readonly string[];
  readonly invalidRows: number;
  /** The first few of them. */
  readonly invalidSamples: readonly { readonly position: number; readonly message: string }[];
  readonly bytes: number;
  readonly sha256: string;
  /** The input from its beginning: the rows of a short file are still there, a longer file is read again. */
  reopen(): Promise<OpenInput>;
}

/** A JSON Lines file can name a new column in each row; so many are remembered. */
const maxColumns = 10_000;
const maxSamples = 5;
/** The rows of a file of this size, some forty thousand, take as much memory as a few calls. */
const maxKeptBytes = 1024 * 1024;

/** Which rows of the input a run is about. */
export interface RowRange {
  readonly offset: number;
  readonly limit: number | undefined;
}

export async function surveyInput(options: InputOptions, range: RowRange, onRow?: () => void): Promise<Survey> {
  const hash = createHash('sha256');
  let bytes = 0;
  const input = await openInput(options, (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  let rows = 0;
  let invalidRows = 0;
  const invalidSamples: { position: number; message: string }[] = [];
  const columns = new Set(input.columns);
  let lastShape = '';
  const last = range.limit === undefined ? Infinity : range.offset + range.limit;
  const look = (row: InputRow): void => {
    onRow?.();
    if (row.position <= range.offset || row.position > last) return;
    rows += 1;
    if (input.columns === undefined && row.fault === undefined) lastShape = addColumns(columns, row, lastShape);
    if (row.fault === undefined) return;
    invalidRows += 1;
    if (invalidSamples.length < maxSamples) invalidSamples.push({ position: row.position, message: row.fault.message });
  };
  let kept: (readonly InputRow[])[] | undefined = [];
  for await (const batch of input.batches) {
    for (const row of batch) look(row);
    if (bytes > maxKeptBytes) kept = undefined;
    kept?.push(batch);
  }
  const reopen = (): Promise<OpenInput> =>
    kept === undefined ? openInput(options) : Promise.resolve({ ...input, batches: again(kept) });
  return { rows, columns: [...columns], invalidRows, invalidSamples, bytes, sha256: hash.digest('hex'), reopen };
}

/** What was read before, batch for batch. */
async function* again(batches: readonly (readonly InputRow[])[]): AsyncGenerator<readonly InputRow[], void> {
  yield* batches;
}

/** Most files have the same columns in every row: only a row of another shape than the last is looked at. */
function addColumns(columns: Set<string>, row: InputRow, lastShape: string): string {
  if (columns.size >= maxColumns) return lastShape;
  const names = memberNames(row.json);
  const shape = names.join('\0');
  if (shape !== lastShape) for (const name of names) columns.add(name);
  return shape;
}

/** The rows of the range, in batches. Stops reading at its end. */
export async function* batchesInRange(input: OpenInput, range: RowRange): AsyncGenerator<readonly InputRow[], void> {
  const last = range.limit === undefined ? Infinity : range.offset + range.limit;
  if (last <= range.offset) return;
  for await (const batch of input.batches) {
    yield batch.filter(({ position }) => position > range.offset && position <= last);
    if ((batch.at(-1)?.position ?? 0) >= last) return;
  }
}
