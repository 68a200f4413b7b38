import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../testing/test-support/property-runs.ts';
import { fixedWindow } from '../algorithms/fixed-window.ts';
import { gcra } from '../algorithms/gcra.ts';
import { slidingLog } from '../algorithms/sliding-log.ts';
import type { ResolvedLimit } from '../limit-options.ts';
import { shareOf } from './share.ts';

const limit = (more: Partial<ResolvedLimit> = {}): ResolvedLimit => ({
  name: 'minute',
  limit: 10,
  periodMs: 60_000,
  burst: 10,
  strict: false,
  algorithm: gcra,
  per: undefined,
  ...more,
});

describe('the share of one process in a limit', () => {
  it('is a part of the limit and of its burst, by the same parts of the key', () => {
    expect(shareOf(limit({ burst: 5, per: ['client'] }), 3)).toEqual({
      name: 'minute',
      algorithm: gcra,
      per: ['client'],
      limit: 3,
      periodMs: 60_000,
      burst: 1,
      strict: false,
    });
  });

  it('has no burst where the algorithm has none', () => {
    expect(shareOf(limit({ algorithm: fixedWindow }), 4)).toEqual({
      name: 'minute',
      algorithm: fixedWindow,
      limit: 2,
      periodMs: 60_000,
    });
  });

  it('is one in a longer period where there is less than one for each, and counted exactly where that was promised', () => {
    expect(shareOf(limit({ limit: 3 }), 10)).toMatchObject({ limit: 1, periodMs: 200_000, algorithm: gcra });
    expect(shareOf(limit({ limit: 3, burst: 2, strict: true }), 10)).toMatchObject({ limit: 1, algorithm: slidingLog });
    expect(shareOf(limit({ limit: 1, periodMs: 34_560_000_000 }), 10).periodMs).toBe(34_560_000_000);
  });

  it('is counted one by one where nothing would be left beside the burst of a strict limit', () => {
    expect(shareOf(limit({ limit: 4, burst: 1, strict: true }), 3)).toEqual({
      name: 'minute',
      algorithm: slidingLog,
      limit: 1,
      periodMs: 60_000,
    });
    expect(shareOf(limit({ limit: 40, burst: 4, strict: true }), 3)).toMatchObject({
      limit: 13,
      burst: 1,
      strict: true,
    });
  });

  it('is never more than a part: all shares together stay within the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 200 }), (most, instances) => {
        const share = shareOf(limit({ limit: most, burst: most, periodMs: 1_000 }), instances);
        expect((instances * share.limit) / share.periodMs).toBeLessThanOrEqual(most / 1_000);
      }),
      propertyRuns(500),
    );
  });
});
