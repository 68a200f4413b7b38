import { describe, expect, it } from 'vitest';
import { approximateBytes } from './approximate-bytes.ts';

describe('the approximate size of a value', () => {
  it('grows with texts, bytes and everything that an object holds', () => {
    expect(approximateBytes('x'.repeat(1_000))).toBe(2_024);
    expect(approximateBytes(new Uint8Array(1_000))).toBe(1_024);
    expect(approximateBytes(new ArrayBuffer(1_000))).toBe(1_024);
    for (const value of [5, true, null, undefined, 5n]) expect(approximateBytes(value)).toBe(8);
    expect(approximateBytes(new Date(0))).toBe(32);
  });

  it.each([
    ['an object', { a: 'x'.repeat(500) }],
    ['a list', ['x'.repeat(500)]],
    ['a map, keys included', new Map([['x'.repeat(500), 1]])],
    ['a set', new Set(['x'.repeat(500)])],
  ])('counts what is in %s', (_title, value) => {
    expect(approximateBytes(value)).toBeGreaterThan(1_000);
    expect(approximateBytes(value)).toBeLessThan(1_200);
  });

  it('counts each part once, also of a value that contains itself', () => {
    const shared = 'x'.repeat(500);
    const part = { shared };
    const value: Record<string, unknown> = { first: part, second: part };
    const once = approximateBytes(value);
    value['itself'] = value;
    expect(approximateBytes(value)).toBe(once + 16);
    expect(once).toBeLessThan(2 * approximateBytes(part));
  });

  it('looks at ten thousand parts at most, and takes the rest for what those were', () => {
    const list = Array.from({ length: 100_000 }, () => 'x'.repeat(38));
    expect(approximateBytes(list) / (100_000 * 116)).toBeGreaterThan(0.8);
    expect(approximateBytes(list) / (100_000 * 116)).toBeLessThan(3);
  });
});
