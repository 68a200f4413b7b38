import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { learned, learnedDefaults } from './learned-delay.ts';

/** Draws from a distribution by the inverse of its function. */
const shapes: Readonly<Record<string, (u: number) => number>> = {
  uniform: (u) => 20 + 80 * u,
  exponential: (u) => -50 * Math.log(1 - u),
  'long-tailed': (u) => 10 / (1 - u) ** 0.4,
};

describe('a learned delay', () => {
  it('is none until enough attempts were seen, or the initial one where that is given', () => {
    const estimate = learned({ minSamples: 3 }).createEstimate();
    const eager = learned({ minSamples: 3, initialMs: 250 }).createEstimate();
    for (const tookMs of [50, 60]) {
      estimate.record(tookMs, true);
      eager.record(tookMs, true);
    }
    expect([estimate.delayMs, eager.delayMs, estimate.samples]).toEqual([undefined, 250, 2]);
    estimate.record(50, true);
    eager.record(50, true);
    expect(estimate.delayMs).toBeGreaterThan(40);
    expect(eager.delayMs).toBe(estimate.delayMs);
  });

  it('begins with the first time, and moves by d/(1 − q) up and by d/q down, d a hundredth of σ', () => {
    const estimate = learned({ quantile: 0.8, minSamples: 1 }).createEstimate();
    estimate.record(100, true);
    expect(estimate.delayMs).toBe(100);
    // Mean 150, variance 2,500: σ is 50, d is 0.5.
    estimate.record(200, true);
    expect(estimate.delayMs).toBeCloseTo(100 + 0.5 / 0.2, 10);
    // Mean 100, variance 6,666.67.
    estimate.record(0, true);
    expect(estimate.delayMs).toBeCloseTo(102.5 - (0.01 * Math.sqrt(20_000 / 3)) / 0.8, 10);
  });

  it('is not moved by an attempt that takes just as long', () => {
    const estimate = learned({ minSamples: 1 }).createEstimate();
    for (const tookMs of [100, 200, 50]) estimate.record(tookMs, true);
    const before = estimate.delayMs!;
    estimate.record(before, true);
    expect([estimate.samples, estimate.delayMs]).toEqual([4, before]);
  });

  it('stays where it is while all take the same time', () => {
    const estimate = learned({ minSamples: 1 }).createEstimate();
    for (let n = 0; n < 100; n++) estimate.record(70, true);
    expect(estimate.delayMs).toBe(70);
  });

  it.each(Object.keys(shapes))('comes to the quantile of times that are %s, and stays there', (shape) => {
    for (const quantile of [0.5, 0.9, 0.95, 0.99]) {
      const random = seededRandom(7);
      const estimate = learned({ quantile }).createEstimate();
      const draw = (): number => shapes[shape]!(random.next());
      for (let n = 0; n < 3_000; n++) estimate.record(draw(), true);
      let within = 0;
      for (let n = 0; n < 10_000; n++) {
        const tookMs = draw();
        if (tookMs <= estimate.delayMs!) within++;
        estimate.record(tookMs, true);
      }
      expect(within / 10_000).toBeGreaterThan(quantile - 0.01);
      expect(within / 10_000).toBeLessThan(quantile + 0.01);
    }
  });

  it('follows when all becomes ten times as slow, and back', () => {
    const random = seededRandom(3);
    const estimate = learned({ quantile: 0.9 }).createEstimate();
    const run = (factor: number): number => {
      for (let n = 0; n < 2_000; n++) estimate.record(factor * (20 + 80 * random.next()), true);
      return estimate.delayMs!;
    };
    for (const factor of [1, 10, 1]) {
      const delayMs = run(factor);
      expect(delayMs).toBeGreaterThan(factor * 85);
      expect(delayMs).toBeLessThan(factor * 99);
    }
  });

  it('counts an attempt that was left without an answer when it had taken longer than the estimate, and only then', () => {
    const estimate = learned({ minSamples: 1 }).createEstimate();
    estimate.record(5_000, false);
    expect(estimate.samples).toBe(0);
    for (const tookMs of [50, 60, 50]) estimate.record(tookMs, true);
    const before = estimate.delayMs!;
    estimate.record(before, false);
    estimate.record(10, false);
    expect([estimate.samples, estimate.delayMs]).toEqual([3, before]);
    estimate.record(before + 1, false);
    expect(estimate.samples).toBe(4);
    expect(estimate.delayMs).toBeGreaterThan(before);
  });

  it('does not sink because the slow attempts are all abandoned at the very delay', () => {
    const random = seededRandom(11);
    const estimate = learned({ quantile: 0.9 }).createEstimate();
    for (let n = 0; n < 20_000; n++) {
      const tookMs = 20 + 80 * random.next();
      const delayMs = estimate.delayMs ?? Infinity;
      if (tookMs <= delayMs) estimate.record(tookMs, true);
      else estimate.record(delayMs + 0.001, false);
    }
    expect(estimate.delayMs).toBeGreaterThan(88);
    expect(estimate.delayMs).toBeLessThan(96);
  });

  it('stays within its bounds whatever the times are', () => {
    const times = fc.array(fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.boolean()), { minLength: 1 });
    const property = fc.property(times, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (all, quantile) => {
      const estimate = learned({ quantile, minSamples: 1, minMs: 5, maxMs: 500 }).createEstimate();
      for (const [tookMs, answered] of all) {
        estimate.record(tookMs, answered);
        if (estimate.samples === 0) expect(estimate.delayMs).toBeUndefined();
        else {
          expect(estimate.delayMs).toBeGreaterThanOrEqual(5);
          expect(estimate.delayMs).toBeLessThanOrEqual(500);
        }
      }
    });
    fc.assert(property, propertyRuns(200));
  });

  it('has the initial delay within its bounds too', () => {
    expect(learned({ initialMs: 5, minMs: 20 }).createEstimate().delayMs).toBe(20);
    expect(learned({ initialMs: 90_000 }).createEstimate().delayMs).toBe(60_000);
  });

  it('is learned by each hedge for itself', () => {
    const delay = learned({ minSamples: 1 });
    const [one, other] = [delay.createEstimate(), delay.createEstimate()];
    one.record(50, true);
    expect([one.delayMs, other.delayMs]).toEqual([50, undefined]);
  });

  it('looks for the time of nineteen in twenty by default, from the thirtieth attempt on', () => {
    expect(learnedDefaults).toEqual({ quantile: 0.95, minSamples: 30, minMs: 1, maxMs: 60_000 });
    expect(learned().quantile).toBe(0.95);
    const estimate = learned().createEstimate();
    for (let n = 0; n < 29; n++) estimate.record(0.01, true);
    expect(estimate.delayMs).toBeUndefined();
    estimate.record(0.01, true);
    expect(estimate.delayMs).toBe(1);
  });

  it.each([
    [{ quantile: 0 }, 'learned.quantile'],
    [{ quantile: 1 }, 'learned.quantile'],
    [{ quantile: '0.9' }, 'learned.quantile'],
    [{ minSamples: 0 }, 'learned.minSamples'],
    [{ initialMs: 0 }, 'learned.initialMs'],
    [{ minMs: 0 }, 'learned.minMs'],
    [{ maxMs: -1 }, 'learned.maxMs'],
    [{ minMs: 10, maxMs: 9 }, 'learned.minMs'],
    [{ percentile: 95 }, 'learned.percentile'],
  ])('is refused where it can not be meant: %o', (options, path) => {
    expect(() => learned(options as never)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', faults: [expect.objectContaining({ path })] }),
    );
  });

  it('may have one length only', () => {
    expect(learned({ initialMs: 3, minMs: 10, maxMs: 10 }).createEstimate().delayMs).toBe(10);
  });
});
