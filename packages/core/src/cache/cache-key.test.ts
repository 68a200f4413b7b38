import fc from 'fast-check';
import { expect, it } from 'vitest';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { type CacheKey, keyOfTierKey, memoryKey, tierKey } from './cache-key.ts';
import { portableSha256Hex, sha256Hex } from './sha256.ts';

const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', '%', '3A', 'é'), minLength: 1, maxLength: 6 });
const anyKey: fc.Arbitrary<CacheKey> = fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 4 }));
const same = (one: CacheKey, two: CacheKey): boolean => {
  const [first, second] = [one, two].map((key) => (typeof key === 'string' ? [key] : key)) as [string[], string[]];
  return first.length === second.length && first.every((segment, at) => segment === second[at]);
};

it('two keys are one in memory, and one in the second tier, only if their segments are the same', () => {
  fc.assert(
    fc.property(anyKey, anyKey, (one, two) => {
      expect(memoryKey(one) === memoryKey(two)).toBe(same(one, two));
      expect(tierKey(memoryKey(one)) === tierKey(memoryKey(two))).toBe(same(one, two));
    }),
    propertyRuns(2_000),
  );
});

it('a key can be told from what the second tier calls it, unless it is so long that it is hashed', () => {
  fc.assert(
    fc.property(anyKey, (key) => {
      expect(keyOfTierKey(tierKey(memoryKey(key)))).toBe(memoryKey(key));
    }),
    propertyRuns(1_000),
  );
  const long = tierKey('x'.repeat(5_000));
  expect([long.length, keyOfTierKey(long), tierKey('x'.repeat(5_001)) === long]).toEqual([71, undefined, false]);
});

it('SHA-256 is what it is everywhere, with the platform’s help and without', () => {
  const known: [string, string][] = [
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['data:image/png;base64,iVBORw0KGgo=:webp', '5f7ae95ce3cb81b201a78ed2723d93b245d1b2354b0631b7d3519f170f23cf6f'],
  ];
  for (const [input, digest] of known) expect([sha256Hex(input), portableSha256Hex(input)]).toEqual([digest, digest]);
  for (let length = 50; length < 130; length++) {
    expect(portableSha256Hex('é'.repeat(length))).toBe(sha256Hex('é'.repeat(length)));
  }
});
