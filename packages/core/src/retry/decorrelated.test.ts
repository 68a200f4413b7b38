import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../clock/random.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import type { Backoff, BackoffNote } from './backoff.ts';
import { decorrelated, decorrelatedV2 } from './decorrelated.ts';

/** The delays of one call, one after the other. */
function delays(backoff: Backoff, attempts: number, random: Random): number[] {
  const seen: number[] = [];
  const note: BackoffNote = { value: undefined };
  for (let attempt = 1; attempt <= attempts; attempt++) {
    seen.push(backoff.delayMs({ attempt, error: undefined, previousMs: seen.at(-1) ?? 0, random, note }));
  }
  return seen;
}

const always = (value: number): Random => ({ next: () => value });

const settings = [fc.nat(), fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 5_000 })] as const;

it('backoffs that draw lots themselves get no other jitter', () => {
  expect([decorrelated().jittered, decorrelatedV2().jittered]).toEqual([true, true]);
});

describe('decorrelated jitter', () => {
  it('stays between the first delay, three times the previous one, and the cap', () => {
    const property = fc.property(...settings, (seed, initialMs, maxMs) => {
      let previousMs = 0;
      for (const delayMs of delays(decorrelated({ initialMs, maxMs }), 20, seededRandom(seed))) {
        expect(delayMs).toBeGreaterThanOrEqual(Math.min(initialMs, maxMs));
        expect(delayMs).toBeLessThanOrEqual(Math.min(maxMs, 3 * Math.max(previousMs, initialMs)));
        previousMs = delayMs;
      }
    });
    fc.assert(property, propertyRuns(50));
  });

  it('draws from the whole of its range', () => {
    expect(delays(decorrelated({ initialMs: 100, maxMs: 1_000 }), 4, always(0))).toEqual([100, 100, 100, 100]);
    expect(delays(decorrelated({ initialMs: 100, maxMs: 1_000 }), 4, always(1))).toEqual([300, 900, 1_000, 1_000]);
    expect(delays(decorrelated({ initialMs: 500, maxMs: 200 }), 2, always(0.5))).toEqual([200, 200]);
  });

  it('begins at a second and ends at a minute by default', () => {
    expect(delays(decorrelated(), 1, always(0))).toEqual([1_000]);
    expect(delays(decorrelated(), 6, always(1)).at(-1)).toBe(60_000);
  });
});

describe('version 2 of decorrelated jitter', () => {
  it('gives Polly’s delays, to the microsecond', () => {
    const golden = [897.405, 1_093.004, 2_035.748, 4_045.979, 8_083.632, 16_163.663];
    const given = delays(decorrelatedV2({ initialMs: 1_000, maxMs: 1e9 }), 6, always(0.5));
    expect(given.map((delayMs) => Math.round(delayMs * 1_000) / 1_000)).toEqual(golden);
  });

  it('scales with its first delay, and begins at a second by default', () => {
    expect(delays(decorrelatedV2({ initialMs: 10 }), 1, always(0.5))[0]).toBeCloseTo(8.974_05, 4);
    expect(delays(decorrelatedV2(), 1, always(0.5))[0]).toBeCloseTo(897.405, 2);
  });

  it('draws beyond the cap from the upper half below it, by numbers of their own', () => {
    const draws = [0.5, 0.5, 0.5, 0.25, 0.5, 0.75];
    const random = { next: () => draws.shift()! };
    const [, , third, fourth] = delays(decorrelatedV2({ maxMs: 2_000 }), 4, random);
    expect([third, fourth]).toEqual([1_250, 1_750]);
    expect(delays(decorrelatedV2({ maxMs: 800 }), 1, always(0.5))).toEqual([600]);
  });

  it('waits a delay that is just the cap as it is', () => {
    const [exact] = delays(decorrelatedV2(), 1, always(0.5));
    expect(delays(decorrelatedV2({ maxMs: exact! }), 1, always(0.5))).toEqual([exact]);
  });

  it('is above nothing and never above the cap, for ever, also where the curve is beyond all numbers', () => {
    const property = fc.property(...settings, fc.integer({ min: 1, max: 2_000 }), (seed, initialMs, maxMs, from) => {
      const random = seededRandom(seed);
      const backoff = decorrelatedV2({ initialMs, maxMs });
      const note: BackoffNote = { value: undefined };
      for (let attempt = from; attempt < from + 10; attempt++) {
        const delayMs = backoff.delayMs({ attempt, error: undefined, previousMs: 0, random, note });
        expect(delayMs).toBeGreaterThan(0);
        expect(delayMs).toBeLessThanOrEqual(maxMs);
      }
    });
    fc.assert(property, propertyRuns(100));
  });

  it('keeps what it has drawn with the call: one backoff serves many at once', () => {
    const backoff = decorrelatedV2({ maxMs: 1e9 });
    const notes: BackoffNote[] = [{ value: undefined }, { value: undefined }];
    const step = (attempt: number, note: BackoffNote): number =>
      backoff.delayMs({ attempt, error: undefined, previousMs: 0, random: always(0.5), note });
    const first = [step(1, notes[0]!), step(1, notes[1]!)];
    const second = [step(2, notes[0]!), step(2, notes[1]!)];
    expect(first[0]).toBe(first[1]);
    expect(second[0]).toBe(second[1]);
  });

  it.each([{ initialMs: 0 }, { maxMs: -1 }, { medianMs: 5 }])('is refused where it can not be meant: %o', (options) => {
    expect(() => decorrelatedV2(options as never)).toThrow(
      expect.objectContaining({
        code: 'CONFIGURATION',
        faults: [expect.objectContaining({ path: expect.stringMatching(/^decorrelatedV2\./) })],
      }),
    );
  });
});
