import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { aimd } from './aimd.ts';
import type { LimitAlgorithm, LimitSample } from './algorithm.ts';
import { gradient2 } from './gradient2.ts';
import { vegas } from './vegas.ts';

const half = { next: () => 0.5 };
const busy = (rttMs: number): LimitSample => ({ rttMs, inflight: 1_000, dropped: false });
const idle = (rttMs: number): LimitSample => ({ rttMs, inflight: 0, dropped: false });
const drop: LimitSample = { rttMs: Number.NaN, inflight: 1_000, dropped: true };

/** The limits that an algorithm goes through from 20 on. */
function limits(algorithm: LimitAlgorithm, samples: readonly LimitSample[], from = 20): number[] {
  const estimator = algorithm.createEstimator(half);
  let limit = from;
  return samples.map((sample) => (limit = estimator.next(limit, sample)));
}

describe('gradient2', () => {
  it('grows by a fifth of the queue size while calls take no more than 1.5 times their long-run time', () => {
    const [first, second, third] = limits(gradient2(), [busy(20), busy(20), busy(28)]);
    expect(first).toBeCloseTo(20.8, 10);
    expect(second).toBeCloseTo(21.6, 10);
    // long = (20 + 20 + 28) / 3, and 1.5 · long / 28 > 1
    expect(third).toBeCloseTo(22.4, 10);
  });

  it('shrinks in proportion beyond that, and never by more than a gradient of a half', () => {
    const [, slow] = limits(gradient2(), [busy(20), busy(100)]);
    // long = 60: gradient 0.9; limit 20.8
    expect(slow).toBeCloseTo(0.8 * 20.8 + 0.2 * (0.9 * 20.8 + 4), 10);
    const samples = [...Array.from({ length: 10 }, () => busy(20)), busy(10_000)];
    const [before, after] = limits(gradient2(), samples).slice(-2) as [number, number];
    expect(after).toBeCloseTo(0.8 * before + 0.2 * (0.5 * before + 4), 10);
  });

  it('takes the mean of ten samples for the long run, and then an average over 600', () => {
    const estimator = gradient2().createEstimator(half);
    for (let n = 0; n < 10; n++) estimator.next(20, busy(n < 5 ? 10 : 30));
    // The mean is 20. One more of 90 makes it 20 + 70 · 2 / 601.
    const long = 20 + (70 * 2) / 601;
    expect(estimator.next(20, busy(90))).toBeCloseTo(0.8 * 20 + 0.2 * (Math.max(0.5, (1.5 * long) / 90) * 20 + 4), 10);
    const next = long + (40 - long) * (2 / 601);
    expect(estimator.next(20, busy(40))).toBeCloseTo(0.8 * 20 + 0.2 * (((1.5 * next) / 40) * 20 + 4), 10);
  });

  it('lets the long-run time come down by 5 % a sample when calls take less than half of it', () => {
    const estimator = gradient2({ longWindow: 1_000_000 }).createEstimator(half);
    for (let n = 0; n < 10; n++) estimator.next(20, busy(100));
    for (let n = 0; n < 13; n++) estimator.next(20, busy(10));
    // 100 · 0.95^13 = 51.3: at 100 ms the gradient is 1.5 · 0.513.
    expect(estimator.next(20, busy(100))).toBeCloseTo(0.8 * 20 + 0.2 * (1.5 * 0.95 ** 13 * 20 + 4), 2);
  });

  it('leaves a limit alone that is less than half in use', () => {
    const sample = (inflight: number): LimitSample => ({ rttMs: 20, inflight, dropped: false });
    expect(limits(gradient2(), [sample(9)])).toEqual([20]);
    expect(limits(gradient2(), [sample(10)])[0]).toBeCloseTo(20.8, 10);
  });

  it('takes a drop for the smallest gradient, without room for a queue, and learns no time from it', () => {
    const estimator = gradient2().createEstimator(half);
    estimator.next(20, busy(20));
    expect(estimator.next(20, drop)).toBeCloseTo(18, 10);
    expect(estimator.next(20, { ...drop, inflight: 0 })).toBeCloseTo(18, 10);
    expect(estimator.next(20, busy(20))).toBeCloseTo(20.8, 10);
  });

  it('goes by its options', () => {
    const estimator = gradient2({ queueSize: 10, tolerance: 1, smoothingRatio: 1, longWindow: 1 }).createEstimator(
      half,
    );
    expect(estimator.next(20, busy(20))).toBe(30);
    expect(estimator.next(20, busy(30))).toBeCloseTo((25 / 30) * 20 + 10, 10);
  });
});

describe('vegas', () => {
  it('learns the shortest time, and then keeps the estimated queue between three and six', () => {
    const estimator = vegas().createEstimator(half);
    expect(estimator.next(20, busy(20))).toBe(20);
    // ⌈20 · (1 − 20/rtt)⌉: 1, 2, 3, 6, 7
    expect(estimator.next(20, busy(21))).toBe(26);
    expect(estimator.next(20, busy(22.2))).toBe(21);
    expect(estimator.next(20, busy(23))).toBe(20);
    expect(estimator.next(20, busy(28.5))).toBe(20);
    expect(estimator.next(20, busy(29))).toBe(19);
  });

  it('moves by the logarithm of the limit: by two between 100 and 1,000', () => {
    const estimator = vegas().createEstimator(half);
    estimator.next(100, busy(20));
    expect(estimator.next(100, busy(20.2))).toBe(112);
    expect(estimator.next(100, busy(21))).toBe(102);
    expect(estimator.next(100, busy(22))).toBe(100);
    expect(estimator.next(100, busy(30))).toBe(98);
    expect(estimator.next(100, drop)).toBe(98);
    expect(estimator.next(99, drop)).toBe(98);
    expect(estimator.next(1_000, drop)).toBe(997);
  });

  it('does not drift where less than half of the limit is in use, and shrinks on a drop all the same', () => {
    const sample = (inflight: number): LimitSample => ({ rttMs: 20, inflight, dropped: false });
    expect(limits(vegas(), [sample(10), sample(9)])).toEqual([20, 20]);
    expect(limits(vegas(), [sample(10), sample(10)])).toEqual([20, 26]);
    expect(limits(vegas(), [idle(20), { ...drop, inflight: 0 }])).toEqual([20, 19]);
  });

  it('learns no time from a drop', () => {
    const estimator = vegas().createEstimator(half);
    estimator.next(20, { rttMs: 1, inflight: 20, dropped: true });
    estimator.next(20, busy(20));
    expect(estimator.next(20, busy(20))).toBe(26);
  });

  it('takes the time without load anew after 30 times the limit samples, times a random number from a half to one', () => {
    const probedAfter = (next: number): number => {
      const estimator = vegas().createEstimator({ next: () => next });
      estimator.next(20, busy(10));
      for (let samples = 2; ; samples++) if (estimator.next(20, busy(100)) === 20) return samples;
    };
    expect(probedAfter(0)).toBe(300);
    expect(probedAfter(0.5)).toBe(450);
    const estimator = vegas({ probeMultiplier: 1 }).createEstimator(half);
    const seen = Array.from({ length: 45 }, (_, n) => estimator.next(20, busy(n === 0 ? 10 : 100)));
    // Learnt at 1; anew at 15, 30 and 45. From 15 on nothing seems to wait.
    expect(seen.slice(0, 17)).toEqual([20, ...Array.from({ length: 13 }, () => 19), 20, 26, 26]);
    expect(seen.map((limit, n) => (limit === 20 ? n + 1 : 0)).filter((n) => n > 0)).toEqual([1, 15, 30, 45]);
  });
});

describe('aimd', () => {
  it('grows by one while at least half of the limit is in use', () => {
    const sample = (inflight: number): LimitSample => ({ rttMs: 20, inflight, dropped: false });
    expect(limits(aimd(), [sample(10), sample(10), sample(10)])).toEqual([21, 21, 21]);
    expect(limits(aimd(), [sample(20), sample(20)])).toEqual([21, 22]);
  });

  it('shrinks to nine tenths on a drop, and when calls take longer than the threshold', () => {
    expect(limits(aimd(), [drop])).toEqual([18]);
    expect(limits(aimd(), [busy(5_000), busy(5_000.1)])).toEqual([21, 18.900000000000002]);
    expect(limits(aimd({ latencyThresholdMs: 100, backoffRatio: 0.5 }), [busy(101)])).toEqual([10]);
  });
});

describe('the algorithms', () => {
  it('say their names, and are shared without sharing what they have learnt', () => {
    for (const algorithm of [gradient2(), vegas(), aimd()]) {
      const random = seededRandom(1);
      const [one, other] = [algorithm.createEstimator(random), algorithm.createEstimator(random)];
      one.next(20, busy(1));
      expect(other.next(20, busy(50))).toBe(limits(algorithm, [busy(50)])[0]);
      expect(Object.isFrozen(algorithm)).toBe(true);
    }
    expect([gradient2().name, vegas().name, aimd().name]).toEqual(['gradient2', 'vegas', 'aimd']);
  });

  it.each([
    () => gradient2({ queueSize: -1 }),
    () => gradient2({ tolerance: 0.9 }),
    () => gradient2({ smoothingRatio: 0 }),
    () => gradient2({ longWindow: 0 }),
    () => vegas({ probeMultiplier: 0 }),
    () => aimd({ backoffRatio: 1.1 }),
    () => aimd({ latencyThresholdMs: 0 }),
    () => aimd({ ratio: 1 } as never),
  ])('refuse options that can not be meant: %s', (make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
  });
});
