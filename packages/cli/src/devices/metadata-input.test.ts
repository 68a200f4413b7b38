import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { entriesOf, metadataOf } from './metadata-input.ts';

const folder = mkdtempSync(join(tmpdir(), 'breakwater-devices-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (text: string): string => {
  const path = join(folder, 'input');
  writeFileSync(path, text);
  return path;
};

describe('metadata', () => {
  it('stands in the argument, or in the file that it names', () => {
    expect(metadataOf('{"name":"Roof"}')).toEqual({ name: 'Roof' });
    expect(metadataOf(`@${file('{"name":"지붕"}')}`)).toEqual({ name: '지붕' });
  });

  it.each([
    ['[1]', /the argument: expected an object/],
    ['null', /expected an object/],
    ['{', /the argument is no JSON/],
    ['@/nowhere.json', /\/nowhere\.json can't be read/],
  ])('can not be %s', (text, why) => {
    expect(() => metadataOf(text)).toThrow(why);
  });
});

describe('a file of devices', () => {
  it('has one on each line, whatever ends the lines', () => {
    const text = '{"id":"a","metadata":{"n":1}}\r\n\r\n{"id":"b","metadata":{}}';
    expect(entriesOf(file(text))).toEqual([
      { id: 'a', metadata: { n: 1 } },
      { id: 'b', metadata: {} },
    ]);
  });

  it.each([
    ['{"id":"a","metadata":{}}\n{', /line 2 is no JSON/],
    ['{"id":"a"}', /line 1: expected/],
    ['{"metadata":{}}', /line 1: expected/],
    ['{"id":"a","metadata":[1]}', /line 1: expected/],
  ])('that has %j in it names the line', (text, why) => {
    expect(() => entriesOf(file(text))).toThrow(why);
  });
});
