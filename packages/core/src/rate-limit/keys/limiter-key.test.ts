import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { propertyRuns } from '../../testing/test-support/property-runs.ts';
import { rateLimiter } from '../index.ts';
import { keyFor, wholeKey } from './limiter-key.ts';

/** Texts of characters that a key might take for its own. */
const texts = fc.string({ unit: fc.constantFrom('a', 'b', '%', '&', '=', '2', '6', '\0', '\u{d800}', '\u{dc00}') });
const keys = fc.dictionary(texts, texts, { maxKeys: 3 });

describe('a key of parts', () => {
  it('is the same for the same parts, in whatever order, and for no others', () => {
    fc.assert(
      fc.property(keys, keys, (one, other) => {
        const entries = (key: typeof one) =>
          JSON.stringify(
            Object.keys(key)
              .toSorted()
              .map((part) => [part, key[part]]),
          );
        expect(wholeKey(one) === wholeKey(other)).toBe(entries(one) === entries(other));
        const turned = Object.fromEntries(Object.entries(one).toReversed());
        expect(wholeKey(turned)).toBe(wholeKey(one));
      }),
      propertyRuns(500),
    );
  });

  it('keeps two parts apart that a limit counts by together', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 4, maxLength: 4 }), ([a, b, c, d]) => {
        const per = ['client', 'endpoint'];
        const one = keyFor(per, { client: a!, endpoint: b! });
        const other = keyFor(per, { client: c!, endpoint: d! });
        expect(one === other).toBe(a === c && b === d);
      }),
      propertyRuns(500),
    );
  });

  it('may hold half a character, as a body of JSON can', () => {
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock: new VirtualClock() });
    const key = JSON.parse(String.raw`{ "client": "\ud800" }`) as { client: string };
    expect([limiter.tryAcquire(key).allowed, limiter.tryAcquire(key).allowed]).toEqual([true, false]);
  });
});
