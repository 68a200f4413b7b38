import fc from 'fast-check';
import { expect, it } from 'vitest';
import { propertyRuns } from '../../../core/src/testing/test-support/property-runs.ts';
import { matchesPattern } from './index.ts';

/** The same by trying everything: right, and slow. */
function matchesByTrial(pattern: string, id: string): boolean {
  if (pattern === '') return id === '';
  const rest = pattern.slice(1);
  if (pattern.startsWith('*')) {
    return Array.from({ length: id.length + 1 }, (_, taken) => taken).some((taken) =>
      matchesByTrial(rest, id.slice(taken)),
    );
  }
  return id !== '' && (pattern.startsWith('?') || pattern[0] === id[0]) && matchesByTrial(rest, id.slice(1));
}

it('a pattern matches what it matches by trying everything', () => {
  const texts = (letters: string): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...letters.split('')), { maxLength: 8 }).map((chosen) => chosen.join(''));
  fc.assert(
    fc.property(texts('ab*?'), texts('abc'), (pattern, id) => {
      expect(matchesPattern(pattern, id)).toBe(matchesByTrial(pattern, id));
    }),
    propertyRuns(1_000),
  );
});

it('a pattern of many stars takes no longer than pattern and id together', () => {
  const pattern = '*a'.repeat(100);
  expect(matchesPattern(`${pattern}b`, 'a'.repeat(200))).toBe(false);
  expect(matchesPattern(pattern, 'a'.repeat(200))).toBe(true);
});
