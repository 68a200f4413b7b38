import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.ts';

const filled = (values: readonly number[], histogram = new Histogram()): Histogram => {
  for (const value of values) histogram.record(value);
  return histogram;
};

describe('a histogram', () => {
  it('knows nothing when it is empty', () => {
    const { count, sum, min, max, mean } = new Histogram();
    expect([count, sum, min, max, mean]).toEqual([0, 0, Infinity, -Infinity, Number.NaN]);
    expect(new Histogram().quantile(0.5)).toBeNaN();
    expect(new Histogram().toJSON()).toEqual({ relativeError: 0.01, buckets: [] });
  });

  it('counts no value that is no number, and clamps what lies outside its range, whose extremes it tells exactly', () => {
    const histogram = filled([Number.NaN, -1, 0, 1e-9, 1e12]);
    expect([histogram.count, histogram.min, histogram.max]).toEqual([4, -1, 1e12]);
    expect(histogram.quantile(0)).toBeLessThanOrEqual(1e-3);
    expect(histogram.quantile(1)).toBeGreaterThanOrEqual(1e8 * 0.98);
  });

  it('takes in what another has counted, directly or as JSON, as if it had counted all itself', () => {
    const [first, second] = [
      [1, 2, 3],
      [40, 50, 1e12],
    ];
    const all = filled([...first, ...second]);
    const merged = filled(first);
    merged.merge(filled(second));
    const fromJson = filled(first);
    fromJson.mergeJson(JSON.parse(JSON.stringify(filled(second))) as ReturnType<Histogram['toJSON']>);
    expect(merged.toJSON()).toEqual(all.toJSON());
    expect(fromJson.toJSON()).toEqual(all.toJSON());
  });

  it('takes in nothing from an empty one, also where only its buckets are told', () => {
    const histogram = filled([5]);
    const before = histogram.toJSON();
    histogram.mergeJson(new Histogram().toJSON());
    histogram.merge(new Histogram());
    expect(histogram.toJSON()).toEqual(before);
    const { relativeError, buckets } = before;
    const told = new Histogram();
    told.mergeJson({ relativeError, buckets });
    expect([told.count, told.sum]).toEqual([1, 0]);
  });

  it('refuses another with other buckets', () => {
    expect(() => new Histogram().merge(new Histogram(0.02))).toThrow(RangeError);
    expect(() => new Histogram().merge(new Histogram(0.01, 1))).toThrow(RangeError);
    expect(() => new Histogram().merge(new Histogram(0.01, 1e-3, 10))).toThrow(RangeError);
    expect(() => new Histogram().mergeJson({ relativeError: 0.02, buckets: [] })).toThrow(RangeError);
  });

  it('puts buckets that another had beyond its own range to its ends', () => {
    const narrow = new Histogram(0.01, 1, 10);
    narrow.mergeJson(filled([1e-3, 1e8]).toJSON());
    expect([narrow.count, narrow.min, narrow.max]).toEqual([2, 1e-3, 1e8]);
    expect(narrow.quantile(0)).toBeLessThanOrEqual(1.02);
  });

  it('forgets everything when it is reset', () => {
    const histogram = filled([1, 2, 3]);
    histogram.reset();
    expect(histogram.toJSON()).toEqual(new Histogram().toJSON());
  });
});
