import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { retryBudget } from '../gates/retry-budget.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { microtasks, watched } from '../testing/test-support/watched.ts';
import { constant } from './backoff.ts';
import type { RetryOptions } from './options.ts';
import { retry } from './retry.ts';
import { failing } from './test-support/failing.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

function retried(options: RetryOptions = {}) {
  const policy = retry({ jitter: 'none', backoff: constant(100), ...options });
  return { policy, calls: pipeline({ clock }, policy) };
}

describe('the statistics of a retry', () => {
  it('count calls, retries and ends, and with which attempt calls ended', async () => {
    const { policy, calls } = retried();
    const all = [failing(0), failing(1), failing(Infinity)].map((fn) => watched(calls.execute(fn)));
    await clock.runAll();
    expect(all.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    const { attemptsHistogram, ...counts } = policy.statistics;
    expect(counts).toEqual({
      calls: 3,
      retried: 2,
      retries: 3,
      succeededFirst: 1,
      succeededAfterRetry: 1,
      failed: 1,
      exhausted: 1,
      refusedByBudget: 0,
      totalDelayMs: 300,
    });
    expect(attemptsHistogram).toEqual([1, 1, 1, ...new Array<number>(17).fill(0)]);
  });

  it('count as exhausted only calls that had used all their attempts', async () => {
    const { policy, calls } = retried({ retryIf: (error) => error === 'down', maxElapsedMs: 150 });
    for (const error of ['bad', 'down']) watched(calls.execute(failing(Infinity, error)));
    await clock.runAll();
    expect(policy.statistics).toMatchObject({ failed: 2, exhausted: 0, refusedByBudget: 0 });
  });

  it('count a call as failed whose last result was not acceptable', async () => {
    const { policy, calls } = retried({ retryResultIf: (value) => value === 'item', maxAttempts: 2 });
    watched(calls.execute(failing(0)));
    await clock.runAll();
    expect(policy.statistics).toMatchObject({ succeededFirst: 0, succeededAfterRetry: 0, failed: 1, exhausted: 1 });
  });

  it('count what the budget had no room for', async () => {
    const { policy, calls } = retried({ budget: retryBudget({ minConcurrency: 0 }) });
    watched(calls.execute(failing(1)));
    await clock.runAll();
    expect(policy.statistics).toMatchObject({ failed: 1, refusedByBudget: 1, exhausted: 0, retried: 0, retries: 0 });
  });

  it('count in the last place of the histogram all that took twenty attempts or more', async () => {
    const { policy, calls } = retried({ backoff: constant(0), maxAttempts: 30 });
    for (const failures of [18, 19, 20, 29]) await calls.execute(failing(failures));
    expect(policy.statistics.attemptsHistogram.slice(17)).toEqual([0, 1, 3]);
    expect(policy.statistics.attemptsHistogram).toHaveLength(20);
  });

  it('are a copy, which later calls leave alone', async () => {
    const { policy, calls } = retried();
    const before = policy.statistics;
    await calls.execute(failing(0));
    expect([before.calls, before.attemptsHistogram[0]]).toEqual([0, 0]);
    expect([policy.statistics.calls, policy.statistics.attemptsHistogram[0]]).toEqual([1, 1]);
  });

  it('count a call that was aborted during a wait with the attempts that it had made', async () => {
    const controller = new AbortController();
    const { policy, calls } = retried();
    watched(calls.execute(failing(Infinity), { signal: controller.signal }));
    await microtasks();
    controller.abort();
    await microtasks();
    expect(policy.statistics).toMatchObject({ calls: 1, failed: 1, exhausted: 0 });
    expect(policy.statistics.attemptsHistogram.slice(0, 3)).toEqual([1, 0, 0]);
  });

  it.each([1, 2])('count a call that was aborted during attempt %i with that many', async (last) => {
    const controller = new AbortController();
    const { policy, calls } = retried({ backoff: constant(0) });
    const fn = ({ attempt }: { attempt: number }): Promise<string> =>
      attempt < last ? Promise.reject(new Error('down')) : new Promise(() => undefined);
    watched(calls.execute(fn, { signal: controller.signal }));
    await microtasks();
    controller.abort();
    await microtasks();
    expect(policy.statistics.attemptsHistogram.slice(0, 3)).toEqual(last === 1 ? [1, 0, 0] : [0, 1, 0]);
  });
});
