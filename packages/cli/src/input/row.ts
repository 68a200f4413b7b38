import { jsonString } from '../json/json-string.ts';
import { plainText, rawValue } from '../json/raw-value.ts';

/** Why a row cannot be called. It stands in the output as a failed row of category `validation`. */
export interface RowFault {
  readonly code: 'RAGGED_ROW' | 'NOT_JSON' | 'NOT_AN_OBJECT' | 'TEMPLATE';
  readonly message: string;
}

/** One row of the input. */
export interface InputRow {
  /** 1-based number of the data row in the whole input; the same whatever `--offset` and `--limit` say. */
  readonly position: number;
  /** 1-based line of the file on which the row begins. */
  readonly line: number;
  readonly fault: RowFault | undefined;
  /** The row as a JSON object on one line, columns in the order of the input, numbers digit for digit. */
  readonly json: string;
  /** The value of a column as text, or undefined if the row has no such column. */
  text(column: string): string | undefined;
  /** The value of a column as JSON, or undefined. */
  raw(column: string): string | undefined;
}

/** What all rows of one delimited file share. */
export class CsvColumns {
  readonly names: readonly string[];
  readonly #indexes = new Map<string, number>();
  readonly #jsonKeys: readonly string[];

  constructor(names: readonly string[]) {
    this.names = names;
    this.#jsonKeys = names.map((name, index) => `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`);
    names.forEach((name, index) => this.#indexes.set(name.normalize('NFC'), index));
  }

  /** Headers typed on a Mac are decomposed Hangul; they must match what is typed on the command line. */
  indexOf(name: string): number | undefined {
    return this.#indexes.get(name) ?? this.#indexes.get(name.normalize('NFC'));
  }

  /** By hand and not by an object: an object would move columns named by numbers to the front. */
  toJson(fields: readonly string[]): string {
    let json = '';
    const known = Math.min(fields.length, this.names.length);
    for (let index = 0; index < known; index += 1) json += this.#jsonKeys[index] + jsonString(fields[index] as string);
    if (fields.length > known) json += `,"_extra":${JSON.stringify(fields.slice(known))}`;
    return json === '' ? '{}' : `${json}}`;
  }
}

export class CsvRow implements InputRow {
  readonly position: number;
  readonly line: number;
  readonly fault: RowFault | undefined;
  readonly #columns: CsvColumns;
  readonly #fields: readonly string[];
  #json: string | undefined;

  constructor(position: number, line: number, columns: CsvColumns, fields: readonly string[], fault?: RowFault) {
    this.position = position;
    this.line = line;
    this.fault = fault;
    this.#columns = columns;
    this.#fields = fields;
  }

  get json(): string {
    return (this.#json ??= this.#columns.toJson(this.#fields));
  }

  text(column: string): string | undefined {
    const index = this.#columns.indexOf(column);
    return index === undefined ? undefined : this.#fields[index];
  }

  /** Cells are text; those that are a JSON number, true, false or null count as that, an empty one as null. */
  raw(column: string): string | undefined {
    const text = this.text(column);
    if (text === undefined) return undefined;
    if (text === '') return 'null';
    return /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/.test(text) ? text : jsonString(text);
  }
}

export class JsonRow implements InputRow {
  readonly position: number;
  readonly line: number;
  readonly fault: RowFault | undefined;
  readonly json: string;

  constructor(position: number, line: number, json: string, fault?: RowFault) {
    this.position = position;
    this.line = line;
    this.json = json;
    this.fault = fault;
  }

  text(column: string): string | undefined {
    const raw = this.raw(column);
    return raw === undefined ? undefined : plainText(raw);
  }

  raw(column: string): string | undefined {
    const exact = rawValue(this.json, [column]);
    if (exact !== undefined) return exact;
    // A name may be written in another normal form than the template.
    const composed = column.normalize('NFC');
    const parsed = JSON.parse(this.json) as Record<string, unknown>;
    const name = Object.keys(parsed).find((key) => key.normalize('NFC') === composed);
    return name === undefined ? undefined : rawValue(this.json, [name]);
  }
}
