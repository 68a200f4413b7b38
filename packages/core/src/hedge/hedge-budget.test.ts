import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { RetryBudget } from '../gates/budget.ts';
import { retryBudget } from '../gates/retry-budget.ts';
import { tokenBudget } from '../gates/token-budget.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { hedge } from './hedge.ts';
import type { HedgeOptions } from './options.ts';
import { Attempts } from './test-support/attempts.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const down = new Error('down');

function hedged(budget: RetryBudget, options: HedgeOptions = {}) {
  const policy = hedge({ budget, delayMs: 100, maxAttempts: 3, ...options });
  const calls = pipeline({ clock }, policy);
  const attempts = new Attempts();
  const refused: unknown[] = [];
  calls.on('hedge-refused', ({ attempt, cause }) => refused.push([attempt, cause]));
  return { policy, attempts, refused, calls, call: watched(calls.execute(attempts.fn)) };
}

describe('a hedge under a budget', () => {
  it('begins no attempt for which there is no room, tells that once, and the first goes on', async () => {
    const budget = retryBudget({ minConcurrency: 0 });
    const { attempts, call, refused, policy } = hedged(budget);
    await clock.advance(1_000);
    expect([attempts.begun, refused, clock.pendingTimers]).toEqual([1, [[2, 'delay']], 0]);
    attempts.answer(1, 'item');
    await microtasks();
    expect([call.value, policy.statistics.refusedByBudget, policy.statistics.hedges]).toEqual(['item', 1, 0]);
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([0, 0]);
  });

  it('begins none at once beyond it either', async () => {
    const { attempts, refused } = hedged(retryBudget({ minConcurrency: 1 }), { delayMs: 0, maxAttempts: 5 });
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(1_000);
    expect([attempts.begun, refused]).toEqual([2, [[3, 'at-once']]]);
  });

  it('fails with the first error where that would begin another and there is no room', async () => {
    const { attempts, call, refused } = hedged(retryBudget({ minConcurrency: 0 }));
    attempts.fail(1, down);
    await microtasks();
    expect([call.error, refused, clock.pendingTimers]).toEqual([down, [[2, 'failure']], 0]);
  });

  it('asks again when an attempt fails, after there was no room when one was slow', async () => {
    const budget = retryBudget({ minConcurrency: 1 });
    const first = hedged(budget);
    await clock.advance(100);
    const second = hedged(budget);
    await clock.advance(100);
    expect([first.attempts.begun, second.attempts.begun]).toEqual([2, 1]);
    first.attempts.answer(1, 'item');
    await microtasks();
    second.attempts.fail(1, down);
    await microtasks();
    expect(second.attempts.begun).toBe(2);
  });

  it('gives back what each attempt took: when it fails, when it loses, and when the call is ended', async () => {
    const budget = retryBudget({ minConcurrency: 5 });
    const { attempts, calls } = hedged(budget, { delayMs: 0, maxAttempts: 4 });
    expect(budget.retriesInFlight).toBe(3);
    attempts.fail(2, down);
    await microtasks();
    expect(budget.retriesInFlight).toBe(2);
    attempts.fail(1, down);
    await microtasks();
    expect(budget.retriesInFlight).toBe(2);
    attempts.answer(3, 'item');
    await microtasks();
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([0, 0]);
    const controller = new AbortController();
    watched(calls.execute(new Attempts().fn, { signal: controller.signal }));
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([1, 3]);
    controller.abort();
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([0, 0]);
  });

  it('of tokens pays for each attempt that fails, gains from the one that answers, and not from those that lost', async () => {
    const budget = tokenBudget();
    const { attempts } = hedged(budget, { delayMs: 0 });
    attempts.fail(1, down);
    attempts.fail(3, down);
    await microtasks();
    expect(budget.tokens).toBe(8);
    attempts.answer(2, 'item');
    await microtasks();
    expect(budget.tokens).toBe(8.1);
    const other = hedged(budget, { delayMs: 0 });
    other.attempts.answer(1, 'item');
    await microtasks();
    expect(budget.tokens).toBe(8.2);
  });

  it('pays nothing for what no other attempt can mend', async () => {
    const budget = tokenBudget();
    const { attempts } = hedged(budget, { hedgeIf: () => false });
    attempts.fail(1, down);
    await microtasks();
    expect(budget.tokens).toBe(10);
  });
});

describe('a budget that a retry shares with a hedge', () => {
  it('inside it counts the call once, and what either has in flight together', async () => {
    const budget = retryBudget({ minConcurrency: 1 });
    const attempts = new Attempts();
    const again = retry({ budget, backoff: constant(10), jitter: 'none' });
    const calls = pipeline({ clock }, again, hedge({ budget, delayMs: 100 }));
    const call = watched(calls.execute(attempts.fn));
    await clock.advance(100);
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([1, 1]);
    attempts.fail(1, down);
    attempts.fail(2, down);
    await clock.advance(10);
    expect([attempts.begun, budget.retriesInFlight]).toEqual([3, 1]);
    await clock.advance(1_000);
    expect(attempts.begun).toBe(3);
    attempts.fail(3, down);
    await clock.advance(10);
    expect(attempts.begun).toBe(4);
    attempts.answer(4, 'item');
    await microtasks();
    expect([call.value, budget.callsInFlight, budget.retriesInFlight]).toEqual(['item', 0, 0]);
  });

  it('of tokens has each attempt counted once', async () => {
    const budget = tokenBudget();
    const again = retry({ budget, backoff: constant(0), maxAttempts: 2 });
    const calls = pipeline({ clock }, again, hedge({ budget, delayMs: 'on-failure' }));
    await rejection(calls.execute(() => Promise.reject(down)));
    expect(budget.tokens).toBe(6);
    await calls.execute(() => 'item');
    expect(budget.tokens).toBe(6.1);
  });

  it('around it is taken by a retry within each attempt, and the call still counts once', async () => {
    const budget = retryBudget();
    const attempts = new Attempts();
    const again = retry({ budget, backoff: constant(10), jitter: 'none' });
    const calls = pipeline({ clock }, hedge({ budget, delayMs: 0 }), again);
    const call = watched(calls.execute(attempts.fn));
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([1, 1]);
    attempts.fail(1, down);
    await microtasks();
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([1, 2]);
    attempts.answer(2, 'item');
    await microtasks();
    expect([call.value, budget.callsInFlight, budget.retriesInFlight]).toEqual(['item', 0, 0]);
    expect(clock.pendingTimers).toBe(0);
  });
});
