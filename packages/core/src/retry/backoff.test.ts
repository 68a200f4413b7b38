import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { type Backoff, type BackoffNote, backoffRule, constant, exponential, fibonacci, linear } from './backoff.ts';
import { jitterFunction, ratio } from './jitter.ts';

function delays(backoff: Backoff, attempts: number): number[] {
  const seen: number[] = [];
  for (let attempt = 1; attempt <= attempts; attempt++) seen.push(backoff.delayMs(stepAt(attempt)));
  return seen;
}

function stepAt(attempt: number) {
  const note: BackoffNote = { value: undefined };
  return { attempt, error: undefined, previousMs: 0, random: seededRandom(1), note };
}

describe('backoffs', () => {
  it('are constant, linear, exponential or Fibonacci’s, from the first delay up to the cap', () => {
    expect(delays(constant(250), 3)).toEqual([250, 250, 250]);
    expect(delays(linear({ initialMs: 100, maxMs: 350 }), 5)).toEqual([100, 200, 300, 350, 350]);
    expect(delays(exponential({ initialMs: 100, maxMs: 1_000 }), 6)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(delays(exponential({ initialMs: 100, base: 3 }), 3)).toEqual([100, 300, 900]);
    expect(delays(fibonacci({ initialMs: 100, maxMs: 800 }), 8)).toEqual([100, 100, 200, 300, 500, 800, 800, 800]);
  });

  it('begin at a second and end at a minute by default', () => {
    expect(delays(exponential(), 8)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });

  it('stay at the cap for ever, also where the number would overflow', () => {
    for (const backoff of [linear(), exponential(), fibonacci()]) {
      expect(backoff.delayMs(stepAt(1e9))).toBe(60_000);
    }
  });

  it.each([
    () => constant(-1),
    () => linear({ initialMs: 0 }),
    () => exponential({ base: 0.5 }),
    () => exponential('1s' as never),
    () => fibonacci({ max: 1 } as never),
    () => ratio(0),
    () => ratio(1.5),
  ])('refuse what can not be meant (%#)', (make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
  });

  it('of the user’s own are an object with delayMs and a finite cap, which may be 0', () => {
    const delayMs = (): number => 1;
    for (const backoff of [constant(0), { maxMs: 0, delayMs }]) expect(backoffRule.accepts(backoff)).toBe(true);
    const wrong = [
      undefined,
      '1s',
      delayMs,
      { delayMs },
      { maxMs: 5 },
      { maxMs: Infinity, delayMs },
      { maxMs: -1, delayMs },
    ];
    for (const value of wrong) expect(backoffRule.accepts(value)).toBe(false);
  });
});

describe('jitter', () => {
  it('spreads downwards only, within what it promises', () => {
    const property = fc.property(fc.nat(), fc.integer({ min: 0, max: 100_000 }), (seed, delayMs) => {
      const random = seededRandom(seed);
      const least = { none: delayMs, full: 0, equal: delayMs / 2, ratio: delayMs * 0.7 };
      for (const [name, lowest] of Object.entries(least)) {
        const jitter = name === 'ratio' ? ratio(0.3) : jitterFunction(name as 'none' | 'full' | 'equal');
        const jittered = jitter(delayMs, random);
        expect(jittered).toBeGreaterThanOrEqual(lowest - 1e-9);
        expect(jittered).toBeLessThanOrEqual(delayMs);
      }
    });
    fc.assert(property, propertyRuns(100));
  });

  it('keeps clients that stand at the cap from coming back at one instant', () => {
    const backoff = exponential({ initialMs: 1_000, maxMs: 10_000 });
    const random = seededRandom(7);
    const full = jitterFunction('full');
    const instants = Array.from({ length: 1_000 }, () => {
      const capped = backoff.delayMs(stepAt(12));
      return Math.round(full(capped, random));
    });
    const most = Math.max(...countsOf(instants));
    expect(most).toBeLessThan(10);
    expect(Math.max(...instants)).toBeLessThanOrEqual(10_000);
  });
});

function countsOf(values: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()];
}
