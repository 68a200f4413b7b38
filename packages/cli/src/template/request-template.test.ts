import { describe, expect, it } from 'vitest';
import { CsvColumns, CsvRow, JsonRow } from '../input/row.ts';
import { checkColumns } from './column-check.ts';
import type { RequestOptions } from './request-template.ts';
import { requestTemplate } from './request-template.ts';

const plain: RequestOptions = {
  url: 'http://host/cards',
  method: undefined,
  body: undefined,
  headers: [],
  secretHeaders: [],
};

function csvRow(cells: Record<string, string>): CsvRow {
  return new CsvRow(1, 2, new CsvColumns(Object.keys(cells)), Object.values(cells));
}

function render(options: Partial<RequestOptions>, cells: Record<string, string>) {
  return requestTemplate({ ...plain, ...options }, {}).render(csvRow(cells));
}

describe('a URL', () => {
  it('takes values as components, wherever they stand', () => {
    expect(render({ url: 'http://host/{{a}}/x?q={{a}}' }, { a: 'b/c?&=# 가' }).url).toBe(
      'http://host/b%2Fc%3F%26%3D%23%20%EA%B0%80/x?q=b%2Fc%3F%26%3D%23%20%EA%B0%80',
    );
  });

  it.each(['', '.', '..'])('refuses %j in its path, because another address would be called', (value) => {
    expect(() => render({ url: 'http://host/cards/{{a}}' }, { a: value })).toThrow(/column "a" is .* another address/);
    expect(render({ url: 'http://host/?q={{a}}' }, { a: value }).url).toBe(`http://host/?q=${value}`);
  });

  it('comes whole from a column when the template begins with it', () => {
    expect(render({ url: '{{a}}' }, { a: 'https://host/x?y=1' }).url).toBe('https://host/x?y=1');
    expect(() => render({ url: '{{a}}' }, { a: 'file:///etc/passwd' })).toThrow('is not an http or https URL');
    expect(() => render({ url: '{{a}}' }, { a: 'http://user:pw@host/' })).toThrow('is not an http or https URL');
  });

  it.each([
    ['host/cards', /Did you mean https:\/\/host\/cards/],
    ['ftp://host/', /protocol "ftp:" is not supported/],
    ['http://me:pw@host/', /--header-env Authorization/],
    ['http://host/{{a', /not followed by a column name/],
  ])('refuses %s before the first call', (url, message) => {
    expect(() => requestTemplate({ ...plain, url }, {})).toThrow(message);
  });
});

describe('a JSON body', () => {
  it('escapes values inside of strings and embeds them outside as values', () => {
    const body = '{"s":"<{{a}}>","n":{{n}},"t":{{t}},"z":{{z}},"e":{{e}}}';
    const rendered = render({ body }, { a: '"\\\n가', n: '-1.50', t: 'true', z: '007', e: '' }).body ?? '';
    expect(rendered).toBe('{"s":"<\\"\\\\\\n가>","n":-1.50,"t":true,"z":"007","e":null}');
  });

  it('cannot be broken out of', () => {
    const evil = '","admin":true,"x":"';
    expect(JSON.parse(render({ body: '{"a":"{{a}}","b":{{a}}}' }, { a: evil }).body ?? '')).toEqual({
      a: evil,
      b: evil,
    });
  });

  it('takes numbers of JSON Lines digit for digit', () => {
    const row = new JsonRow(1, 1, '{"id":12345678901234567890,"o":{"a":[1]}}');
    expect(requestTemplate({ ...plain, body: '{"id":{{id}},"o":{{o}}}' }, {}).render(row).body).toBe(
      '{"id":12345678901234567890,"o":{"a":[1]}}',
    );
  });

  it('must be JSON unless another type is given', () => {
    expect(() => requestTemplate({ ...plain, body: 'word={{a}}' }, {})).toThrow(/--body is not JSON.*Content-Type/);
    const form = { body: 'word={{a}}', headers: ['Content-Type: application/x-www-form-urlencoded'] };
    expect(render(form, { a: 'a b&c' })).toMatchObject({
      body: 'word=a+b%26c',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  });

  it('is the row by default, and none for GET', () => {
    expect(render({}, { a: '1' })).toMatchObject({
      method: 'POST',
      body: '{"a":"1"}',
      headers: { 'content-type': 'application/json' },
    });
    expect(render({ method: 'get' }, { a: '1' })).toMatchObject({ method: 'GET', body: undefined });
    expect(() => requestTemplate({ ...plain, method: 'GET', body: '{}' }, {})).toThrow('GET requests carry no body');
  });
});

describe('headers', () => {
  it.each(['a\r\nX-Evil: 1', 'a\u0000', '가'])('refuse the value %j of a row', (value) => {
    expect(() => render({ headers: ['X-Word: {{a}}'] }, { a: value })).toThrow(/column "a" holds .* header X-Word/);
  });

  it('take secrets from the environment and show them nowhere', () => {
    const template = requestTemplate(
      { ...plain, secretHeaders: ['Authorization=TOKEN'], headers: ['X-Api-Key: abc'] },
      { TOKEN: 's3cret' },
    );
    expect(template.render(csvRow({ a: '1' })).headers).toMatchObject({ authorization: 's3cret', 'x-api-key': 'abc' });
    expect(template.renderMasked(csvRow({ a: '1' })).headers).toMatchObject({
      authorization: '***',
      'x-api-key': '***',
    });
    expect(template.plainHeaders).toEqual([]);
  });

  it('tell a missing variable by its name, and never repeat what may be the secret itself', () => {
    expect(() => requestTemplate({ ...plain, secretHeaders: ['Authorization=TOKEN'] }, {})).toThrow('TOKEN is not set');
    expect(() => requestTemplate({ ...plain, secretHeaders: ['Authorization: Bearer s3cret'] }, {})).toThrow(
      /^(?!.*s3cret)/,
    );
  });
});

it('a column that does not exist is refused with the nearest name', () => {
  const template = requestTemplate({ ...plain, body: '{"w":"{{trem}}"}' }, {});
  expect(() => checkColumns(template, ['position', 'term', 'type'], 'words.csv')).toThrow(
    '--body: {{trem}} is not a column of words.csv (line 1). Did you mean {{term}}? Its columns are "position", "term", "type".',
  );
});
