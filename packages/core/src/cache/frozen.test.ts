import { describe, expect, it } from 'vitest';
import { deepFrozen } from './frozen.ts';

describe('a value that is frozen', () => {
  it('is so in all its parts, and is the same value', () => {
    const value = { list: [{ name: 'a' }], none: null, text: 'b', missing: undefined };
    expect(deepFrozen(value)).toBe(value);
    expect([value, value.list, value.list[0]].map((part) => Object.isFrozen(part))).toEqual([true, true, true]);
    expect(() => {
      value.list[0]!.name = 'c';
    }).toThrow(TypeError);
  });

  it('may be of any kind, contain itself, and be frozen in parts already', () => {
    for (const plain of [5, 'text', null, undefined, true]) expect(deepFrozen(plain)).toBe(plain);
    const value: { itself?: unknown; part: object } = { part: Object.freeze({ a: 1 }) };
    value.itself = value;
    expect(Object.isFrozen(deepFrozen(value))).toBe(true);
  });

  it('keeps its bytes as they are, which can’t be frozen', () => {
    const value = { view: new Uint8Array(2), buffer: new ArrayBuffer(2), last: { a: 1 } };
    deepFrozen(value);
    value.view[0] = 7;
    expect([value.view[0], Object.isFrozen(value.last)]).toEqual([7, true]);
  });
});
