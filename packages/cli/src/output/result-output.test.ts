import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from 'breakwater/testing';
import { parse } from 'csv-parse/sync';
import { afterAll, describe, expect, it } from 'vitest';
import { CsvColumns, CsvRow, JsonRow } from '../input/row.ts';
import type { ResultReader } from '../journal/journal-reader.ts';
import { RowIndex, rowState } from '../journal/row-index.ts';
import { csvLines, jsonLines, outputFormat } from './result-encoder.ts';
import { OrderedOutput, ResultFile } from './result-file.ts';
import { responseValue } from './response-value.ts';
import { resultJson } from './row-result.ts';

const folder = mkdtempSync(join(tmpdir(), 'breakwater-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** As it stands in the journal. */
const line = (json: string): Buffer => Buffer.from(`${json}\n`);

describe('a result', () => {
  it('carries position, row, status, value, attempts and duration, digit for digit', () => {
    const row = new JsonRow(3, 4, '{"id":12345678901234567890}');
    expect(resultJson(row, { ok: true, status: 200, value: '98765432109876543210' }, 2, 12.345)).toBe(
      '{"position":3,"row":{"id":12345678901234567890},"ok":true,"status":200,"value":98765432109876543210,"attempts":2,"durationMs":12.3}',
    );
  });

  it('carries a structured error, not a string', () => {
    const row = new CsvRow(1, 2, new CsvColumns(['a']), ['x']);
    const error = { code: 'HTTP_404', category: 'not_found', message: '404: nothing there', status: 404 } as const;
    expect(JSON.parse(resultJson(row, { ok: false, error }, 1, 5))).toEqual({
      position: 1,
      row: { a: 'x' },
      ok: false,
      status: 404,
      error,
      attempts: 1,
      durationMs: 5,
    });
  });
});

describe('a response', () => {
  it.each([
    [
      '{"a":\n {"b": 10000000000000000001}}',
      'application/json',
      ['a', 'b'],
      { kind: 'value', value: '10000000000000000001' },
    ],
    ['{"a":\n 1}', 'application/problem+json; charset=utf-8', undefined, { kind: 'value', value: '{"a":1}' }],
    ['plain "text"', 'text/plain', undefined, { kind: 'value', value: '"plain \\"text\\""' }],
    ['{"a":1}', 'text/plain', ['a'], { kind: 'value', value: '1' }],
    ['', null, undefined, { kind: 'value', value: 'null' }],
    ['{"a":1}', 'application/json', ['b'], { kind: 'no-such-value', message: 'the response has nothing at /b' }],
  ])('%j of type %s', (body, type, pointer, expected) => {
    expect(responseValue(body, type, pointer)).toEqual(expected);
  });

  it('that says it is JSON and is not is no value', () => {
    expect(responseValue('{"a":', 'application/json', undefined).kind).toBe('not-json');
  });
});

describe('CSV output', () => {
  const row = new CsvRow(1, 2, new CsvColumns(['단어', '_ok', '_value']), ['a,"b"\n', 'x', '\t']);
  const encoder = csvLines(['단어', '_ok', '_value']);

  it('has one header, and columns of its own beside those of the input', () => {
    const result = resultJson(row, { ok: true, status: 200, value: '{"id":12345678901234567890}' }, 1, 2);
    const text = encoder.head + String(encoder.encode([line(result)])) + String(encoder.encode([line(result)]));
    const [header, first, second] = parse(text);
    expect(header).toEqual([
      '단어',
      '_ok',
      '_value',
      '__position',
      '__ok',
      '__status',
      '__value',
      '__error_category',
      '__error',
      '__attempts',
      '__duration_ms',
    ]);
    expect(first).toEqual(['a,"b"\n', 'x', '\t', '1', 'true', '200', '{"id":12345678901234567890}', '', '', '1', '2']);
    expect(second).toEqual(first);
  });

  it('says why a row failed', () => {
    const error = { code: 'HTTP_404', category: 'not_found', message: '404: gone', status: 404 } as const;
    const [record] = parse(String(encoder.encode([line(resultJson(row, { ok: false, error }, 1, 2))])));
    expect(record?.slice(4)).toEqual(['false', '404', '', 'not_found', 'HTTP_404: 404: gone', '1', '2']);
  });

  it('is chosen by the name of the file', () => {
    expect([outputFormat('a.jsonl'), outputFormat('b.CSV')]).toEqual(['jsonl', 'csv']);
    expect(() => outputFormat('a.xlsx')).toThrow('must end in .jsonl or .csv');
  });
});

describe('output in order of the input', () => {
  async function output(name: string, read: (offset: number) => string) {
    const index = new RowIndex(0);
    const file = await ResultFile.begin(join(folder, `${name}.new`), jsonLines);
    await file.moveTo(join(folder, name));
    const reader = { read: (offset: number) => Promise.resolve(line(read(offset))) } as ResultReader;
    const ordered = new OrderedOutput(file, reader, index, 1, new VirtualClock());
    const settle = (position: number, json: string): void => {
      index.set(position, rowState.answered, position);
      ordered.settled(position, line(json));
    };
    return { ordered, settle, text: () => readFileSync(join(folder, name), 'utf8') };
  }

  it('holds each row once and in order, whatever order they come in', async () => {
    const { ordered, settle, text } = await output('a', () => 'never');
    for (const position of [3, 1, 5, 2]) settle(position, `r${position}`);
    await ordered.catchUp();
    expect(text()).toBe('r1\nr2\nr3\n');
    settle(4, 'r4');
    await ordered.close();
    expect([text(), ordered.rows]).toEqual(['r1\nr2\nr3\nr4\nr5\n', 5]);
  });

  it('reads results back from the journal when more wait than memory should hold', async () => {
    const wide = 'x'.repeat(1024 * 1024);
    let readBack = 0;
    const { ordered, settle, text } = await output('b', (offset) => ((readBack += 1), `${offset}${wide}`));
    for (let position = 2; position <= 10; position += 1) settle(position, `${position}${wide}`);
    settle(1, `1${wide}`);
    await ordered.close();
    expect(readBack).toBeGreaterThanOrEqual(6);
    expect(
      text()
        .split('\n')
        .map((result) => Number.parseInt(result, 10))
        .slice(0, 10),
    ).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});
