import { inputError } from '../command-line/command-error.ts';
import { onOneLine } from '../json/raw-value.ts';
import { JsonRow } from './row.ts';

const maxLineBytes = 16 * 1024 * 1024;

interface Line {
  readonly text: string;
  readonly line: number;
}

/** Lines of text with their numbers, those of a chunk together; the last needs no line break. */
async function* lines(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<Line[], void> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  for await (const chunk of bytes) {
    const all: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const found: Line[] = [];
    let from = 0;
    for (let at = all.indexOf(10); at !== -1; at = all.indexOf(10, from)) {
      line += 1;
      found.push({ text: all.toString('utf8', from, at), line });
      from = at + 1;
    }
    yield found;
    rest = Buffer.from(all.subarray(from));
    if (rest.length > maxLineBytes) {
      throw inputError(
        `${name} line ${line + 1}: a line of more than 16 MiB. Write one JSON object per line: jq -c . FILE`,
      );
    }
  }
  if (rest.length > 0) yield [{ text: rest.toString('utf8'), line: line + 1 }];
}

/** Rows of a JSON Lines file. A first line that is not an object means another format; later ones are faults of a row. */
export async function* readJsonLines(
  bytes: AsyncIterable<Buffer>,
  name: string,
): AsyncGenerator<readonly JsonRow[], void> {
  let position = 0;
  for await (const batch of lines(bytes, name)) {
    const rows: JsonRow[] = [];
    for (const { text, line } of batch) {
      const trimmed = text.trim();
      if (trimmed === '') continue;
      position += 1;
      const row = parsedRow(position, line, trimmed);
      if (position === 1 && row.fault !== undefined) throw otherFormat(name, row.fault.message);
      rows.push(row);
    }
    yield rows;
  }
  if (position === 0) throw inputError(`${name} is empty: one JSON object per line is needed.`);
}

function otherFormat(name: string, message: string): Error {
  return inputError(`${name} ${message}. One JSON object per line is needed; for other files say --format csv or tsv.`);
}

function parsedRow(position: number, line: number, text: string): JsonRow {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = `line ${line} is not JSON: ${(error as Error).message}`;
    return new JsonRow(position, line, unreadable(text), { code: 'NOT_JSON', message });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`;
    const message = `line ${line} is ${found}, not a JSON object`;
    return new JsonRow(position, line, unreadable(text), { code: 'NOT_AN_OBJECT', message });
  }
  return new JsonRow(position, line, onOneLine(text));
}

/** What cannot be read stands in the output as it came, so that nothing is lost. */
function unreadable(text: string): string {
  return `{"_raw":${JSON.stringify(text)}}`;
}
