import { stringify } from 'csv-stringify/sync';
import { extname } from 'node:path';
import { usageError } from '../command-line/command-error.ts';
import { plainText, rawValue } from '../json/raw-value.ts';

/** Turns result lines into the bytes of the output. */
export interface ResultEncoder {
  /** What stands once at the beginning of the file. */
  readonly head: string;
  encode(results: readonly Result[]): string | Buffer;
}

/** A result as one line of JSON, with its line break: the bytes that stand in the journal. */
export type Result = Buffer;

export type OutputFormat = 'jsonl' | 'csv';

export function outputFormat(path: string): OutputFormat {
  const extension = extname(path).toLowerCase();
  if (extension === '.jsonl' || extension === '.ndjson') return 'jsonl';
  if (extension === '.csv') return 'csv';
  throw usageError(`--out: the name must end in .jsonl or .csv, got "${path}".`);
}

export const jsonLines: ResultEncoder = { head: '', encode: (results) => Buffer.concat(results) };

const resultColumns = ['position', 'ok', 'status', 'value', 'error_category', 'error', 'attempts', 'duration_ms'];

/** The input's columns, then those of the result with as many underscores as keep them apart from the input's. */
export function csvLines(inputColumns: readonly string[]): ResultEncoder {
  const taken = new Set(inputColumns.map((name) => name.normalize('NFC').toLowerCase()));
  let prefix = '_';
  while (resultColumns.some((name) => taken.has(prefix + name))) prefix += '_';
  const header = [...inputColumns, ...resultColumns.map((name) => prefix + name)];
  return {
    head: stringify([header]),
    encode: (results) =>
      results.length === 0 ? '' : stringify(results.map((result) => csvRecord(result.toString(), inputColumns))),
  };
}

function csvRecord(json: string, inputColumns: readonly string[]): string[] {
  const row = rawValue(json, ['row']) ?? '{}';
  const value = rawValue(json, ['value']);
  const { position, ok, status, error, attempts, durationMs } = JSON.parse(json) as {
    position: number;
    ok: boolean;
    status: number | null;
    error?: { code: string; category: string; message: string };
    attempts: number;
    durationMs: number;
  };
  const cells = inputColumns.map((column) => cell(rawValue(row, [column])));
  cells.push(String(position), String(ok), String(status ?? ''), cell(value));
  cells.push(error?.category ?? '', error === undefined ? '' : `${error.code}: ${error.message}`);
  cells.push(String(attempts), String(durationMs));
  return cells;
}

function cell(raw: string | undefined): string {
  return raw === undefined ? '' : plainText(raw);
}
