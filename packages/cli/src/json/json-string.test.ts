import fc from 'fast-check';
import { expect, it } from 'vitest';
import { insideJsonString, jsonString } from './json-string.ts';

const texts = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('"', '\\', '\u0000', '\u001f', '\u007f', '\u2028', '\ud83d', '\ude00', '한', 'a'))
    .map((parts) => parts.join('')),
);

it('says what JSON.stringify says, of any text, halves of characters included', () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(jsonString(text)).toBe(JSON.stringify(text));
      expect(`"${insideJsonString(text)}"`).toBe(JSON.stringify(text));
    }),
  );
});
