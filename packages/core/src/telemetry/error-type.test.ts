import { expect, it } from 'vitest';
import { BreakwaterError } from '../errors/breakwater-error.ts';
import { errorType } from './error-type.ts';

class OutOfStock extends Error {}

it.each([
  [new BreakwaterError('full', { code: 'BULKHEAD_FULL', category: 'overload' }), 'BULKHEAD_FULL'],
  [Object.assign(new Error('no'), { code: 'ECONNREFUSED' }), 'NETWORK_REFUSED'],
  [new OutOfStock('sku 1'), 'OutOfStock'],
  [new RangeError('below 0'), 'RangeError'],
  ['a text that was thrown', '_OTHER'],
  [undefined, '_OTHER'],
  [{ message: 'secret' }, '_OTHER'],
])('the type of %o is %s: a word, never what it says', (error, type) => {
  expect(errorType(error)).toBe(type);
});

it('is no text that somebody has put in the place of a code or a name', () => {
  const disguised = new BreakwaterError('x', { code: 'Bearer abc def', category: 'internal' });
  const trap = Object.create(Error.prototype, {
    constructor: {
      get: () => {
        throw new Error('no');
      },
    },
  }) as Error;
  expect([errorType(disguised), errorType(trap)]).toEqual(['_OTHER', '_OTHER']);
});
