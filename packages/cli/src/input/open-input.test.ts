import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'csv-stringify/sync';
import { afterAll, describe, expect, it } from 'vitest';
import type { InputOptions } from './open-input.ts';
import { openInput } from './open-input.ts';
import type { InputRow } from './row.ts';
import { batchesInRange, surveyInput } from './survey.ts';

const folder = mkdtempSync(join(tmpdir(), 'breakwater-input-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string | Uint8Array, name = 'words.csv'): InputOptions {
  const path = join(folder, name);
  writeFileSync(path, content);
  return { path, format: undefined, delimiter: undefined, quote: true };
}

async function read(options: InputOptions): Promise<InputRow[]> {
  const rows: InputRow[] = [];
  for await (const batch of (await openInput(options)).batches) rows.push(...batch);
  return rows;
}

async function objects(options: InputOptions): Promise<unknown[]> {
  return (await read(options)).map((row) => JSON.parse(row.json) as unknown);
}

async function fault(options: InputOptions): Promise<string> {
  return await read(options).then(
    () => 'no fault',
    (error: Error) => error.message.replaceAll(`${folder}/`, ''),
  );
}

describe('a delimited file', () => {
  it('keeps the last line when no line break ends it', async () => {
    expect(await objects(file('a,b\n1,2\n3,4'))).toEqual([
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ]);
  });

  it('leaves a byte order mark and carriage returns out of names and values', async () => {
    expect(await objects(file('\ufeffa,b\r\n1,2\r\n'))).toEqual([{ a: '1', b: '2' }]);
  });

  it.each([
    [';', 'words.csv'],
    ['\t', 'words.csv'],
    ['\t', 'words.tsv'],
  ])('finds the delimiter %j in the header of %s', async (delimiter, name) => {
    const text = [`a${delimiter}"b, c"`, `1${delimiter}"x\ty;z"`].join('\n');
    expect(await objects(file(text, name))).toEqual([{ a: '1', 'b, c': 'x\ty;z' }]);
  });

  it('keeps tabs, delimiters, quotes and line breaks inside quoted fields', async () => {
    expect(await objects(file('a,b\n"x\ty","1,""2""\n3"\n'))).toEqual([{ a: 'x\ty', b: '1,"2"\n3' }]);
  });

  it('keeps decomposed Hangul as it came, and finds a decomposed column by its composed name', async () => {
    const decomposed = '단어'.normalize('NFD');
    const [row] = await read(file(`${decomposed}\n${decomposed}\n`));
    expect(row?.text('단어')).toBe(decomposed);
    expect(JSON.parse(row?.json ?? '')).toEqual({ [decomposed]: decomposed });
  });

  it('keeps columns named by numbers in their order, and columns named like properties of objects', async () => {
    const [row] = await read(file('2,1,__proto__,constructor\na,b,c,d\n'));
    expect(row?.json).toBe('{"2":"a","1":"b","__proto__":"c","constructor":"d"}');
    expect([row?.text('constructor'), row?.text('toString')]).toEqual(['d', undefined]);
  });

  it('tells positions from 1 and the line on which a row begins', async () => {
    const rows = await read(file('a,b\n1,"x\ny"\n\n2,z\n'));
    expect(rows.map(({ position, line }) => [position, line])).toEqual([
      [1, 2],
      [2, 5],
    ]);
  });

  it('tells a blank line from an empty quoted field in a file of one column', async () => {
    const rows = await read(file('a\n1\n\n""\n3'));
    expect(rows.map((row) => [row.text('a'), row.line])).toEqual([
      ['1', 2],
      ['', 4],
      ['3', 5],
    ]);
  });

  it('looks for the delimiter in the header alone, not in what follows it', async () => {
    expect(await objects(file('\n\nwords\n""\n"a;b;c"\n\n'))).toEqual([{ words: '' }, { words: 'a;b;c' }]);
    expect(await objects(file('words\n""\na;b;c\n'))).toEqual([{ words: '' }, { words: 'a;b;c' }]);
  });

  it('marks a ragged row as a fault of that row and goes on', async () => {
    const rows = await read(file('a,b\n1\n1,2,3\n4,5\n'));
    expect(rows.map((row) => row.fault?.message)).toEqual([
      'line 2 has 1 field, the header has 2: add the missing delimiters, fields may be empty',
      'line 3 has 3 fields, the header has 2: quote a field that contains the delimiter',
      undefined,
    ]);
    expect(rows[1]?.json).toBe('{"a":"1","b":"2","_extra":["3"]}');
  });

  it('gives back what was written, whatever it was and however it is cut into chunks', async () => {
    const cell = fc.string({ unit: 'binary-ascii', maxLength: 8 }).map((text) => text.replaceAll('\r', ''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell, fc.string({ unit: 'grapheme', maxLength: 5 })), { minLength: 1, maxLength: 20 }),
        async (rows) => {
          const text = stringify([['a', 'b', 'c'], ...rows], { quoted: true });
          expect((await read(file(text))).map((row) => [row.text('a'), row.text('b'), row.text('c')])).toEqual(rows);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('faults of a file name line, column and remedy', () => {
  it.each([
    [
      'a quote that is never closed',
      'a,b\n1,"x\n2,y\n',
      /^words\.csv line 2: a field begins with a quote that is never closed\. Double a quote/,
    ],
    ['text after a closing quote', 'a,b\n1,"x"y\n', /^words\.csv line 2, field 2: text follows the closing quote/],
    [
      'a quote inside a plain field',
      'a,b\n1,x"y\n',
      /^words\.csv line 2, field 2: a quote inside a field .* --quote none/,
    ],
    ['a duplicate header', 'a,b,a\n1,2,3\n', /^words\.csv line 1, column 3: is named "a" like column 1.*Rename/],
    [
      'a duplicate header in another normal form',
      `단,${'단'.normalize('NFD')}\n1,2\n`,
      /column 2: is named .* like column 1/,
    ],
    ['an empty file', '', /^words\.csv is empty: a header line/],
  ])('%s', async (_, text, message) => {
    expect(await fault(file(text))).toMatch(message);
  });

  it('UTF-16', async () => {
    expect(await fault(file(Buffer.from('\ufeffa,b\n1,2\n', 'utf16le')))).toMatch(
      /^words\.csv line 1, column 1: .*UTF-16 byte order mark.*iconv -f UTF-16/,
    );
  });

  it('bytes that are not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('a,b\n가,x\n1,'), Buffer.from([0xb0, 0xa1]), Buffer.from('\n')]);
    expect(await fault(file(bytes))).toMatch(
      /^words\.csv line 3, column 3 \(byte 12\): 0xB0 is not valid UTF-8\..*CP949/,
    );
  });

  it('a missing file', async () => {
    expect(await fault({ ...file(''), path: join(folder, 'nowhere.csv') })).toMatch(
      /nowhere\.csv does not exist\. Check the path/,
    );
  });

  it('a JSON array', async () => {
    expect(await fault(file('[{"a":1}]', 'words.json'))).toMatch(
      /a JSON array; one JSON object per line is needed.*jq -c/,
    );
  });
});

it('takes quotes for letters when told so', async () => {
  expect(await objects({ ...file('a,b\n5" pipe,"x\n'), quote: false })).toEqual([{ a: '5" pipe', b: '"x' }]);
});

describe('JSON Lines', () => {
  it('keep numbers digit for digit, and nested values as JSON', async () => {
    const [row] = await read(file('{"id":12345678901234567890,"tags":["a"],"none":null}', 'words.jsonl'));
    expect([row?.text('id'), row?.raw('tags'), row?.text('none'), row?.text('nowhere')]).toEqual([
      '12345678901234567890',
      '["a"]',
      '',
      undefined,
    ]);
  });

  it('mark a line that is not an object as a fault of that row, with its number', async () => {
    const rows = await read(file('{"a":1}\n{"a":\n[1]\n\n{"a":2}', 'words.jsonl'));
    expect(rows.map((row) => row.fault?.code)).toEqual([undefined, 'NOT_JSON', 'NOT_AN_OBJECT', undefined]);
    expect(rows[1]?.fault?.message).toMatch(/^line 2 is not JSON/);
    expect(rows[3]?.line).toBe(5);
  });

  it('refuse a file whose first line is no object', async () => {
    expect(await fault(file('a,b\n1,2', 'words.jsonl'))).toMatch(/^words\.jsonl line 1 is not JSON.*--format csv/);
  });
});

it('gives the rows again after a survey, of a short file from memory, of a long one by reading it once more', async () => {
  const wide = 'x'.repeat(1_000);
  for (const [rows, rereads] of [
    [3, false],
    [2_000, true],
  ] as const) {
    const options = file(`a\n${`${wide}\n`.repeat(rows)}`);
    const survey = await surveyInput(options, { offset: 0, limit: undefined });
    const again = async (): Promise<readonly InputRow[]> => {
      const seen: InputRow[] = [];
      for await (const batch of (await survey.reopen()).batches) seen.push(...batch);
      return seen;
    };
    const seen = await again();
    expect([survey.rows, seen.length, seen.at(-1)?.position, seen.at(-1)?.text('a')]).toEqual([rows, rows, rows, wide]);
    writeFileSync(options.path, 'a\nchanged\n');
    expect((await again()).length).toBe(rereads ? 1 : rows);
  }
});

it('surveys rows, columns and faults of the range, and the bytes of the whole file', async () => {
  const options = file('{"a":1}\n{"b":2}\nx\n{"a":3}\n', 'words.jsonl');
  const survey = await surveyInput(options, { offset: 1, limit: 2 });
  expect(survey).toMatchObject({ rows: 2, columns: ['b'], invalidRows: 1, bytes: 26 });
  const positions: number[] = [];
  for await (const batch of batchesInRange(await openInput(options), { offset: 1, limit: 2 }))
    positions.push(...batch.map((row) => row.position));
  expect(positions).toEqual([2, 3]);
});
