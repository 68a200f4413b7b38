import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { RetryBudget } from '../gates/budget.ts';
import { retryBudget } from '../gates/retry-budget.ts';
import { tokenBudget } from '../gates/token-budget.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { constant } from './backoff.ts';
import { generated } from './generated.ts';
import type { RetryOptions } from './options.ts';
import { retry } from './retry.ts';
import { failing } from './test-support/failing.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

function retried(budget: RetryBudget, options: RetryOptions = {}) {
  const policy = retry({ budget, jitter: 'none', backoff: constant(100), ...options });
  return { policy, calls: pipeline({ clock }, policy) };
}

describe('a retry under a budget of what is in flight', () => {
  it('has as many retries in flight as the budget admits, waits included; of the others the last error is passed on', async () => {
    const budget = retryBudget({ minConcurrency: 2 });
    const { calls } = retried(budget);
    const refused = vi.fn();
    calls.on('retry-given-up', refused);
    const errors = [1, 2, 3].map((n) => new Error(`${n}`));
    const ends = errors.map((error) => watched(calls.execute(failing(1, error))));
    await microtasks();
    expect(ends.map(({ state }) => state)).toEqual(['pending', 'pending', 'rejected']);
    expect(ends[2]!.error).toBe(errors[2]);
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([2, 2]);
    expect(refused).toHaveBeenCalledTimes(1);
    expect(refused).toHaveBeenCalledWith(
      expect.objectContaining({ reason: 'budget', attempt: 1, error: errors[2], policy: 'retry' }),
    );
    await clock.runAll();
    expect(ends.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([0, 0]);
  });

  it('shares it with the retries of other pipelines', async () => {
    const budget = retryBudget({ minConcurrency: 1 });
    const [first, second] = [retried(budget), retried(budget)];
    const waiting = watched(first.calls.execute(failing(1)));
    await microtasks();
    const error = new Error('no room');
    expect(await rejection(second.calls.execute(failing(1, error)))).toBe(error);
    await clock.runAll();
    expect(waiting.value).toBe('item');
    watched(second.calls.execute(failing(1)));
    await microtasks();
    expect(budget.retriesInFlight).toBe(1);
    await clock.runAll();
  });

  it('passes the last result on where that is not acceptable and there is no room', async () => {
    const { calls } = retried(retryBudget({ minConcurrency: 0 }), { retryResultIf: () => true });
    await expect(calls.execute(() => 'pending')).resolves.toBe('pending');
  });

  it('gives back what it took before it takes again, so that one call needs one place', async () => {
    const budget = retryBudget({ minConcurrency: 1 });
    const { calls } = retried(budget, { maxAttempts: 4 });
    const call = watched(calls.execute(failing(3)));
    await clock.runAll();
    expect([call.value, budget.retriesInFlight]).toEqual(['item', 0]);
  });

  it('gives back what it took when an abort ends a wait or an attempt', async () => {
    const budget = retryBudget();
    const { calls } = retried(budget);
    const controller = new AbortController();
    const hanging = deferred();
    const fn = ({ attempt }: { attempt: number }): Promise<string> =>
      attempt === 1 ? Promise.reject(new Error('down')) : hanging.promise;
    watched(calls.execute(fn, { signal: controller.signal }));
    await clock.advance(100);
    watched(calls.execute(failing(1), { signal: controller.signal }));
    await microtasks();
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([2, 2]);
    controller.abort();
    await microtasks();
    expect([budget.callsInFlight, budget.retriesInFlight, clock.pendingTimers]).toEqual([0, 0, 0]);
  });

  it('gives back what it took when a timeout outside ends the call', async () => {
    const budget = retryBudget();
    const calls = pipeline(
      { clock },
      timeout({ timeoutMs: 150 }),
      retry({ budget, backoff: constant(1), jitter: 'none' }),
    );
    const call = watched(
      calls.execute(({ attempt }) =>
        attempt === 1 ? Promise.reject(new Error('down')) : new Promise(() => undefined),
      ),
    );
    await clock.advance(149);
    expect(budget.retriesInFlight).toBe(1);
    await clock.advance(1);
    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([0, 0]);
  });

  it('takes nothing for an attempt that is not made for another reason', async () => {
    const budget = retryBudget();
    const tryTake = vi.spyOn(budget, 'tryTake');
    const { calls } = retried(budget, { maxAttempts: 2, retryIf: (error) => error !== 'bad', maxElapsedMs: 1_000 });
    await rejection(calls.execute(failing(1, 'bad')));
    await rejection(calls.execute(failing(1), { deadlineMs: 50 }));
    await rejection(calls.execute(failing(1, { retryAfterMs: 70_000 })));
    await rejection(calls.execute(failing(1, { retryAfterMs: 1_001 })));
    expect(tryTake).not.toHaveBeenCalled();
    watched(calls.execute(failing(2)));
    await clock.runAll();
    expect(tryTake).toHaveBeenCalledTimes(1);
    expect(budget.retriesInFlight).toBe(0);
  });

  it('counts a call once that passes two retries with it', async () => {
    const budget = retryBudget();
    const calls = pipeline({ clock }, retry({ budget }), retry({ budget }));
    const answer = deferred();
    const call = watched(calls.execute(() => answer.promise));
    expect(budget.callsInFlight).toBe(1);
    answer.resolve('item');
    await microtasks();
    expect([call.value, budget.callsInFlight]).toEqual(['item', 0]);
  });

  it('has nothing to give back while the delay of the next attempt is being computed', async () => {
    const budget = retryBudget();
    const controller = new AbortController();
    const delays = [0, new Promise<number>(() => undefined)];
    const { calls } = retried(budget, { backoff: generated(() => delays.shift()) });
    watched(calls.execute(failing(Infinity), { signal: controller.signal }));
    await microtasks();
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([1, 0]);
    controller.abort();
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([0, 0]);
  });

  it('takes its place when a generated delay has come, not before', async () => {
    const budget = retryBudget();
    const delay = deferred<number>();
    const { calls } = retried(budget, { backoff: generated(() => delay.promise) });
    watched(calls.execute(failing(1)));
    await microtasks();
    expect(budget.retriesInFlight).toBe(0);
    delay.resolve(10);
    await microtasks();
    expect(budget.retriesInFlight).toBe(1);
    await clock.runAll();
    expect(budget.retriesInFlight).toBe(0);
  });
});

describe('a retry under a budget of tokens', () => {
  it('stops retrying when half of the tokens are gone, and comes back with the answers', async () => {
    const budget = tokenBudget({ maxTokens: 4, tokenRatio: 0.5 });
    const { calls } = retried(budget, { backoff: constant(0), maxAttempts: 5 });
    const fn = failing(Infinity);
    await rejection(calls.execute(fn));
    expect(fn).toHaveBeenCalledTimes(2);
    expect(budget.tokens).toBe(2);
    const once = failing(Infinity);
    await rejection(calls.execute(once));
    expect([once.mock.calls.length, budget.tokens]).toEqual([1, 1]);
    for (let n = 0; n < 5; n++) await calls.execute(failing(0));
    expect(budget.tokens).toBe(3.5);
    await expect(calls.execute(failing(1))).resolves.toBe('item');
    expect(budget.tokens).toBe(3);
  });

  it('pays for the last attempt too, and for results that are not acceptable', async () => {
    const budget = tokenBudget({ maxTokens: 10 });
    const { calls } = retried(budget, { backoff: constant(0), maxAttempts: 2, retryResultIf: () => true });
    await calls.execute(() => 'pending');
    expect(budget.tokens).toBe(8);
  });

  it('pays nothing for what no other attempt can mend', async () => {
    const budget = tokenBudget();
    const { calls } = retried(budget, { retryIf: () => false });
    await rejection(calls.execute(failing(1)));
    expect(budget.tokens).toBe(10);
  });
});

it('a budget that is none is refused when the retry is made', () => {
  expect(() => retry({ budget: 0.2 as never })).toThrow(
    expect.objectContaining({ faults: [expect.objectContaining({ path: 'retry.budget' })] }),
  );
});
