import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../core/src/testing/test-support/property-runs.ts';
import { elementsOf } from './json-elements.ts';

const texts = (list: string): readonly string[] => elementsOf(Buffer.from(list)).map(String);

describe('the elements of a list', () => {
  it('are as they were written, without the space between them', () => {
    expect(texts(' [ {"a" : 1.0} ,\n\t[1 , 2],"x, ]\\"\\\\" ,null,-0 ] ')).toEqual([
      '{"a" : 1.0}',
      '[1 , 2]',
      '"x, ]\\"\\\\"',
      'null',
      '-0',
    ]);
  });

  it('are none where there are none', () => {
    expect([texts('[]'), texts('[ ]')]).toEqual([[], []]);
  });

  it('are those that JSON has, however they are written', () => {
    const indents = fc.constantFrom(undefined, 1, '\t', ' \r\n');
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), indents, (list, indent) => {
        const written = JSON.stringify(list, undefined, indent);
        expect(texts(written).map((text) => JSON.parse(text) as unknown)).toEqual(JSON.parse(written));
      }),
      propertyRuns(300),
    );
  });
});
