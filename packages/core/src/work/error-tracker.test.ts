import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { rejection } from '../testing/test-support/watched.ts';
import { errorTracker } from './index.ts';

const clock = new VirtualClock();
const coded = (code: string): Error => Object.assign(new Error(code), { code });
const thrown = (fn: () => void): unknown => {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('an error tracker', () => {
  it('counts successes and failures, and the failures by category and code, the most frequent first', () => {
    const tracker = errorTracker({ clock });
    expect(tracker.summary()).toMatchObject({ total: 0, failureRatio: 0 });
    tracker.success();
    tracker.success(2);
    for (const code of ['ENOENT', 'ECONNRESET', 'ECONNRESET', 'ENOTFOUND', 'ECONNRESET']) tracker.failure(coded(code));
    expect(tracker.summary()).toEqual({
      total: 8,
      succeeded: 3,
      failed: 5,
      failureRatio: 0.625,
      byCategory: { network: 4, internal: 1 },
      byCode: { NETWORK_RESET: 3, SYSTEM_ENOENT: 1, NETWORK_DNS: 1 },
      notKept: 0,
    });
    expect(Object.keys(tracker.summary().byCategory)).toEqual(['network', 'internal']);
  });

  it('keeps failures with the error itself, item, key, attempt, context and time', () => {
    const tracker = errorTracker<{ sku: number }>({ clock });
    const error = coded('ECONNREFUSED');
    const facts = { item: { sku: 7 }, key: 'line 3', attempt: 2, context: { file: 'a.csv' } };
    expect(tracker.failure(error, facts)).toEqual(tracker.failures[0]);
    expect(tracker.failures).toEqual([
      { ...facts, error, category: 'network', code: 'NETWORK_REFUSED', timestamp: Date.UTC(2026, 0, 1) },
    ]);
    expect(tracker.failures[0]!.error).toBe(error);
  });

  it('counts all failures, keeps the first thousand, or as many as it is told to, or all', () => {
    const few = errorTracker({ maxFailures: 2 });
    const usual = errorTracker();
    const all = errorTracker({ maxFailures: Infinity });
    for (let failure = 0; failure < 1_500; failure++) for (const tracker of [few, usual, all]) tracker.failure(failure);
    expect([few, usual, all].map(({ failures }) => failures.length)).toEqual([2, 1_000, 1_500]);
    expect([few, usual, all].map((tracker) => tracker.summary().notKept)).toEqual([1_498, 500, 0]);
    expect(few.failed).toBe(1_500);
  });

  it('does not grow with the number of codes that there are', () => {
    const tracker = errorTracker({
      maxFailures: 0,
      classify: (error) => ({ category: 'internal', code: `C${error as number}` }),
    });
    for (let code = 0; code < 1_000; code++) tracker.failure(code);
    expect(Object.keys(tracker.summary().byCode)).toHaveLength(101);
    expect(tracker.summary().byCode['OTHER']).toBe(900);
  });

  it('runs a function and counts how it ends', async () => {
    const tracker = errorTracker();
    expect(await tracker.track(async () => 1)).toBe(1);
    expect(
      await rejection(
        tracker.track(
          () => {
            throw new Error('no');
          },
          { key: 2 },
        ),
      ),
    ).toMatchObject({ message: 'no' });
    expect([tracker.succeeded, tracker.failed, tracker.failures[0]!.key]).toEqual([1, 1, 2]);
  });

  it('fails a batch in which all failed, whatever went well in the batches before', () => {
    const tracker = errorTracker();
    const first = tracker.batch();
    first.success(100);
    first.throwIfAllFailed();
    const second = tracker.batch();
    const cause = coded('ECONNRESET');
    second.failure(cause);
    second.failure(coded('ENOENT'));
    second.failure(coded('ENOTFOUND'));
    expect(thrown(() => second.throwIfAllFailed())).toMatchObject({
      code: 'ALL_FAILED',
      category: 'network',
      failed: 3,
      details: { failed: 3, byCategory: { network: 2, internal: 1 } },
      cause,
    });
    tracker.throwIfAllFailed();
    expect(tracker.summary()).toMatchObject({ total: 103, failed: 3 });
    second.success();
    second.throwIfAllFailed();
  });

  it('does not fail a batch in which nothing was', () => {
    const tracker = errorTracker();
    tracker.failure(coded('ENOENT'));
    tracker.batch().throwIfAllFailed();
    expect(thrown(() => tracker.throwIfAllFailed())).toMatchObject({ message: 'the only item failed' });
  });

  it('counts and passes on an error whose kind can not be told, because the function that tells it throws', async () => {
    const tracker = errorTracker({
      classify: () => {
        throw new TypeError('bug');
      },
    });
    const error = new Error('down');
    await expect(tracker.track(() => Promise.reject(error))).rejects.toBe(error);
    expect(tracker.summary()).toMatchObject({ failed: 1, byCode: { UNKNOWN: 1 } });
  });

  it('refuses options that can not be meant', () => {
    expect(() => errorTracker({ maxFailures: -1 })).toThrow(/errorTracker.maxFailures/);
  });
});
