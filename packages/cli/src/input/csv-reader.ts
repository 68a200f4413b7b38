import { CsvError, parse } from 'csv-parse';
import type { Options, Parser } from 'csv-parse';
import { inputError } from '../command-line/command-error.ts';
import type { Dialect } from './dialect.ts';
import { CsvColumns, CsvRow } from './row.ts';
import type { RowFault } from './row.ts';

/** A quote that is never closed would swallow the rest of the file into one field; it stops here. */
const maxRecordBytes = 16 * 1024 * 1024;

interface Record {
  readonly fields: string[];
  readonly line: number;
}

/**
 * Records of a delimited file with the line on which each begins, those of a chunk together: an asynchronous step per
 * record would cost more than parsing it. Blank lines are left out.
 */
async function* records(bytes: AsyncIterable<Buffer>, dialect: Dialect, name: string): AsyncGenerator<Record[], void> {
  // In a file of one column only csv-parse can tell a blank line from an empty quoted field; it costs twice the time.
  const exact = dialect.singleColumn;
  const parser = parserOf(dialect, exact);
  let fault: unknown;
  parser.on('error', (error) => (fault = error));
  let line = 1;

  const parsed = (): Record[] => {
    const found: Record[] = [];
    for (let item: unknown = parser.read(); item !== null; item = parser.read()) {
      if (exact) {
        const { record, info } = item as { record: string[]; info: { lines: number } };
        found.push({ fields: record, line: info.lines - lineBreaks(record) });
        continue;
      }
      const fields = item as string[];
      const begins = line;
      line += 1 + lineBreaks(fields);
      if (fields.length > 1 || fields[0] !== '') found.push({ fields, line: begins });
    }
    return found;
  };

  for await (const chunk of bytes) {
    await new Promise<void>((resolve) => parser.write(chunk, () => resolve()));
    yield parsed();
    if (fault !== undefined) throw quotingFault(fault, name, line);
  }
  await ended(parser);
  yield parsed();
  if (fault !== undefined) throw quotingFault(fault, name, line);
}

function parserOf(dialect: Dialect, exact: boolean): Parser {
  return parse({
    delimiter: dialect.delimiter,
    quote: dialect.quote ? '"' : false,
    relax_column_count: true,
    skip_empty_lines: exact,
    info: exact,
    max_record_size: maxRecordBytes,
    // All records of a chunk are read before the next is written; a smaller mark would hold the chunk's callback back.
    readableHighWaterMark: 2 ** 30,
  } as Options);
}

/** Ends the parser; resolves when the last records can be read, or there is a fault. */
async function ended(parser: Parser): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const event of ['error', 'readable', 'end']) parser.once(event, () => resolve());
    parser.end();
  });
}

function lineBreaks(fields: readonly string[]): number {
  let count = 0;
  for (const field of fields) {
    for (let at = field.indexOf('\n'); at !== -1; at = field.indexOf('\n', at + 1)) count += 1;
  }
  return count;
}

function quotingFault(error: unknown, name: string, line: number): Error {
  if (!(error instanceof CsvError)) return error as Error;
  const details = error as CsvError & { readonly lines?: number; readonly column?: number };
  const place = `${name} line ${details.lines ?? line}, field ${(details.column ?? 0) + 1}`;
  const remedy = 'Double a quote that belongs to a quoted field (""), or say --quote none if quotes mean nothing here.';
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') {
    return inputError(`${name} line ${line}: a field begins with a quote that is never closed. ${remedy}`);
  }
  if (error.code === 'CSV_MAX_RECORD_SIZE') {
    return inputError(`${name} line ${line}: a row of more than 16 MiB; is a quote not closed? ${remedy}`);
  }
  if (error.code === 'CSV_INVALID_CLOSING_QUOTE') {
    return inputError(`${place}: text follows the closing quote of a field. ${remedy}`);
  }
  if ((error.code as string) === 'INVALID_OPENING_QUOTE') {
    return inputError(`${place}: a quote inside a field that did not begin with one. ${remedy}`);
  }
  return inputError(`${place}: ${error.message}`);
}

/** Header and rows of a delimited file. */
export interface DelimitedInput {
  readonly columns: readonly string[];
  readonly batches: AsyncGenerator<readonly CsvRow[], void>;
}

export async function readDelimited(
  bytes: AsyncIterable<Buffer>,
  dialect: Dialect,
  name: string,
): Promise<DelimitedInput> {
  const all = records(bytes, dialect, name);
  let first: Record[] = [];
  while (first.length === 0) {
    const batch = await all.next();
    if (batch.done === true)
      throw inputError(`${name} is empty: a header line with the names of the columns is needed.`);
    first = batch.value;
  }
  const [header, ...rest] = first as [Record, ...Record[]];
  checkHeader(header.fields, name, header.line, dialect);
  return { columns: header.fields, batches: rowsOf(rest, all, new CsvColumns(header.fields)) };
}

function checkHeader(names: readonly string[], file: string, line: number, dialect: Dialect): void {
  const seen = new Map<string, number>();
  names.forEach((column, index) => {
    const key = column.normalize('NFC');
    const first = seen.get(key);
    if (first !== undefined) {
      const what = column === '' ? 'has no name' : `is named "${column}"`;
      throw inputError(
        `${file} line ${line}, column ${index + 1}: ${what} like column ${first + 1}; each column needs a name of its own. ` +
          `Rename one of them in the header.`,
      );
    }
    seen.set(key, index);
  });
  if (names.length === 1 && names[0]?.includes('\ufffd') === true) {
    throw inputError(`${file} line ${line}: the header cannot be read with delimiter "${dialect.delimiter}".`);
  }
}

async function* rowsOf(
  first: readonly Record[],
  later: AsyncGenerator<Record[], void>,
  columns: CsvColumns,
): AsyncGenerator<readonly CsvRow[], void> {
  let position = 0;
  const expected = columns.names.length;
  const toRow = ({ fields, line }: Record): CsvRow => {
    position += 1;
    const fault = fields.length === expected ? undefined : ragged(fields.length, expected, line);
    return new CsvRow(position, line, columns, fields, fault);
  };
  yield first.map(toRow);
  for await (const batch of later) yield batch.map(toRow);
}

function ragged(found: number, expected: number, line: number): RowFault {
  const remedy =
    found > expected ? 'quote a field that contains the delimiter' : 'add the missing delimiters, fields may be empty';
  return {
    code: 'RAGGED_ROW',
    message: `line ${line} has ${found} field${found === 1 ? '' : 's'}, the header has ${expected}: ${remedy}`,
  };
}
