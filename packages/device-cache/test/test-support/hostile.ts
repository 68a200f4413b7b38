/** What nobody sends by accident: for fuzzers, and each of it refused with a problem. */
import fc from 'fast-check';

/** Texts that break things. */
export const nastyText: fc.Arbitrary<string> = fc.constantFrom(
  '',
  ' ',
  '..',
  '../..',
  '../../etc/passwd',
  '..\\..\\windows',
  '\u0000',
  'a\u0000b',
  '%',
  '%2e%2e%2f',
  '*',
  '?',
  '#',
  "' OR 1=1 --",
  '{{7*7}}',
  '<b>',
  '-1',
  '1e9',
  'null',
  'true',
  'a'.repeat(300),
  'x'.repeat(10_240),
  'ñ',
  'станция',
  '💥',
  '\u202e',
  '\ufeffd1',
  'e\u0301',
  'd1\r\nx-injected: 1',
);

/** Parts of an address as they are sent, not as anybody would write them. */
export const nastyPart: fc.Arbitrary<string> = fc.oneof(
  nastyText.map(encodeURIComponent),
  fc.constantFrom('%00', '%zz', '%E0%A4%A', '%c0%ae%c0%ae', '%ff', '%2F', '%252e', 'x'.repeat(10_240)),
);

const deep = 5_000;
const pair = (name: string, value: string): string =>
  `{"device_id":"d1","metadata":{${JSON.stringify(name)}:${value}}}`;

/** Bodies that are no JSON, or none that anybody keeps. */
export const nastyBody: fc.Arbitrary<Uint8Array<ArrayBuffer>> = fc.oneof(
  fc
    .constantFrom(
      '',
      ' ',
      'null',
      '{',
      '{"metadata":',
      '{"metadata":{}}{}',
      '\ufeff{"metadata":{}}',
      "{'metadata':{}}",
      '{"metadata":{"a":NaN}}',
      '{"metadata":{"a":1,"a":2}}',
      '{"metadata":{"a":"\u0000"}}',
      '{"metadata":{"a":"\\ud800"}}',
      `${'['.repeat(deep)}${']'.repeat(deep)}`,
      pair('a', `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`),
      pair('__proto__', '{"isAdmin":true}'),
      pair('constructor', '{"prototype":{"isAdmin":true}}'),
      pair('a', '1e999'),
      pair('a', '-1e999'),
      pair('a', '9'.repeat(400)),
      pair('a', '9007199254740993'),
      pair('a', '0.1e-999'),
      pair('a', JSON.stringify('x'.repeat(100_000))),
    )
    .map((text) => Uint8Array.from(Buffer.from(text))),
  fc
    .constantFrom('utf16le', 'latin1')
    .map((encoding) => Uint8Array.from(Buffer.from('{"metadata":{"a":"ü"}}', encoding))),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.from(bytes)),
);

/** What a body is said to be, and is not. */
export const nastyTypes: fc.Arbitrary<Readonly<Record<string, string>>> = fc.constantFrom<Record<string, string>>(
  {},
  { 'content-type': '' },
  { 'content-type': 'nonsense' },
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/xml' },
  { 'content-type': 'application/json; charset=utf-16' },
  { 'content-type': 'application/json; charset=latin1' },
  { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  { 'content-type': 'application/json', 'content-encoding': 'nonsense' },
  { 'content-type': 'multipart/form-data; boundary=x' },
);

/** Headers of authorization that let nobody in; `token` is one that would. */
export const nastyAuthorization = (token: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    '',
    'Bearer',
    'Bearer ',
    `Bearer${token}`,
    `Basic ${token}`,
    `Bearer ${token}x`,
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token} ${token}`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer "${token}"`,
    `Bearer ${'x'.repeat(5_000)}`,
    'Bearer null',
    'Bearer ../../etc/passwd',
    'Bearer \u00ff\u00fe',
    'Bearer %00',
    'Token x',
  );
