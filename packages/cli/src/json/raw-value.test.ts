import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memberNames, onOneLine, parsePointer, plainText, rawValue } from './raw-value.ts';

describe('rawValue', () => {
  it('keeps every digit of a number', () => {
    expect(rawValue('{"id": 12345678901234567890, "x": 1.10}', ['id'])).toBe('12345678901234567890');
  });

  it('finds what JSON.parse finds, wherever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 2 }), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        for (const path of paths(value))
          expect(JSON.parse(rawValue(text, path) ?? '"?"')).toEqual(JSON.parse(JSON.stringify(at(value, path))));
      }),
    );
  });

  it('has no value where nothing stands', () => {
    expect(rawValue('{"a":[1]}', ['a', '1'])).toBeUndefined();
    expect(rawValue('{"a":[1]}', ['a', '-'])).toBeUndefined();
    expect(rawValue('{"a":1}', ['a', 'b'])).toBeUndefined();
  });

  it('takes the last of two members of one name, as JSON.parse does', () => {
    expect(rawValue('{"a":1,"a":2}', ['a'])).toBe('2');
  });
});

it('puts pretty-printed JSON on one line without touching its strings', () => {
  expect(onOneLine('{\r\n  "a": "x\\n  y",\n  "b": 1\n}')).toBe('{"a": "x\\n  y","b": 1}');
});

it('reads pointers as RFC 6901 says', () => {
  expect(parsePointer('')).toEqual([]);
  expect(parsePointer('/a~1b/m~0n/')).toEqual(['a/b', 'm~n', '']);
  expect(parsePointer('a/b')).toBeUndefined();
  expect(parsePointer('/a~2')).toBeUndefined();
});

it('shows values as people read them', () => {
  expect([plainText('"a\\"b"'), plainText('null'), plainText('1.50'), plainText('{"a":1}')]).toEqual([
    'a"b',
    '',
    '1.50',
    '{"a":1}',
  ]);
  expect(memberNames('{"b":1,"a":{"c":2},"1":3}')).toEqual(['b', 'a', '1']);
});

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, token) => (inner as Record<string, unknown>)[token], value);
}

function paths(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([key, inner]) => paths(inner).map((path) => [key, ...path]))];
}
