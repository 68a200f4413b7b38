import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { propertyRuns } from '../../testing/test-support/property-runs.ts';
import { BoundedSeries, BoundedValues, OTHER } from './bounded-series.ts';

const asIs = (text: string): string => text;

describe('the series of a metric', () => {
  it('are the same object for the same values, without labels that have none', () => {
    const series = new BoundedSeries(['a', undefined, 'c'], 10, asIs, () => undefined);
    const first = series.of('x', 'left out', undefined);
    expect(first).toEqual({ a: 'x' });
    expect(series.of('x', 'left out', undefined)).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
  });

  it('hold values as they may leave', () => {
    const series = new BoundedSeries(
      ['a', 'b'],
      10,
      (text) => text.replace('secret', '…'),
      () => undefined,
    );
    expect(series.of('a secret', 7)).toEqual({ a: 'a …', b: 7 });
  });

  it('are never more than the bound, and what is not told apart is counted', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40)), fc.integer({ min: 1, max: 20 }), (values, most) => {
        const folds = vi.fn();
        const series = new BoundedSeries(['a'], most, asIs, folds);
        const given = values.map((value) => series.of(value));
        expect(new Set(given.map((attributes) => attributes['a'])).size).toBeLessThanOrEqual(most);
        expect(folds).toHaveBeenCalledTimes(given.filter((attributes) => attributes['a'] === OTHER).length);
        given.forEach((attributes, index) => expect([values[index], OTHER]).toContain(attributes['a']));
      }),
      propertyRuns(200),
    );
  });
});

describe('bounded values', () => {
  it('let the first ones through, however often they come', () => {
    const values = new BoundedValues(2);
    expect(['a', 'b', 'c', 'a', 'c'].map((value) => values.of(value))).toEqual(['a', 'b', OTHER, 'a', OTHER]);
  });
});
