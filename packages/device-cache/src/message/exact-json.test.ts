/** What is refused is refused wherever it stands; what is not is taken without a walk through it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../core/src/testing/test-support/property-runs.ts';
import { parseExactJson } from './exact-json.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

/** Literals, with whether they are refused. */
const harmless = ['0', '-1', '1e5', '1E-400', '2.5e+3', '9007199254740991', '0.1234567890123456789', '"1e999"', 'null'];
const refused = ['1e999', '-1E+400', `1${'0'.repeat(320)}`, '9007199254740993', '99999999999999999999'];
const keys = ['"a"', '"6f1c4b1e-8f5e-4f0e-9b39-0d4f4fb2a456"', '"1e5"', '"\\u0061"', '"proto"'];
const protoKeys = ['"__proto__"', '"\\u005f_proto__"', '"__prot\\u006F__"'];

/** A literal within so many lists and objects, with blanks where blanks may stand. */
function nested(literal: string, layers: readonly (string | null)[], blank: string): string {
  return layers.reduce<string>(
    (inner, key) => (key === null ? `[${blank}${inner}${blank}]` : `{${key}${blank}:${blank}${inner}${blank}}`),
    literal,
  );
}

describe('JSON that is kept exactly or refused', () => {
  const layers = (names: readonly string[]): fc.Arbitrary<(string | null)[]> =>
    fc.array(fc.option(fc.constantFrom(...names)), { maxLength: 32 });
  const blank = fc.constantFrom('', ' ', '\n\t');

  it('is taken with every number and key that can be kept, to a depth of 32', () => {
    fc.assert(
      fc.property(fc.constantFrom(...harmless), layers(keys), blank, (literal, way, space) => {
        const text = nested(literal, way, space);
        expect(parseExactJson(bytes(text))).toEqual({ value: JSON.parse(text) as unknown });
      }),
      propertyRuns(300),
    );
  });

  it('is refused for a number that would change, wherever it stands', () => {
    fc.assert(
      fc.property(fc.constantFrom(...refused), layers(keys), blank, (literal, way, space) => {
        expect(parseExactJson(bytes(nested(literal, way, space)))).toHaveProperty('fault');
      }),
      propertyRuns(300),
    );
  });

  it('is refused for a key __proto__, however it is written', () => {
    fc.assert(
      fc.property(fc.constantFrom(...protoKeys), layers(keys), layers(keys), blank, (key, inner, outer, space) => {
        const way = [...inner.slice(0, 15), key, ...outer.slice(0, 15)];
        expect(parseExactJson(bytes(nested('1', way, space)))).toMatchObject({
          fault: { reason: 'a key that is not allowed' },
        });
      }),
      propertyRuns(300),
    );
  });

  it('is refused where it is nested more than 32 deep, and not for many brackets beside each other', () => {
    const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseExactJson(bytes(deep(32)))).toHaveProperty('value');
    expect(parseExactJson(bytes(deep(33)))).toHaveProperty('fault');
    expect(parseExactJson(bytes(`[${Array(100).fill('{"a":[]}').join()}]`))).toHaveProperty('value');
    expect(parseExactJson(bytes(`["${'[{'.repeat(50)}"]`))).toHaveProperty('value');
  });

  it('takes bytes that are no Buffer', () => {
    expect(parseExactJson(new TextEncoder().encode('{"a":"ż"}'))).toEqual({ value: { a: 'ż' } });
  });
});
