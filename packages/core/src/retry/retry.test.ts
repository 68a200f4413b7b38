import { beforeEach, describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { retryBudget } from '../gates/retry-budget.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { CoalescingClock } from '../testing/test-support/coalescing-clock.ts';
import { microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { constant, exponential } from './backoff.ts';
import type { RetryOptions } from './options.ts';
import { retry } from './retry.ts';
import { failing } from './test-support/failing.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const atOnce = { backoff: constant(0) };

function retried(options: RetryOptions = {}) {
  const policy = retry({ clock, jitter: 'none', ...options });
  return { policy, calls: pipeline({ name: 'stock' }, policy) };
}

describe('a retry', () => {
  it.each([1, 2, 3, 6])('with maxAttempts %i makes that many calls in all, the first included', async (maxAttempts) => {
    const fn = failing(Infinity);
    const { calls } = retried({ ...atOnce, maxAttempts });
    await rejection(calls.execute(fn));
    expect(fn).toHaveBeenCalledTimes(maxAttempts);
  });

  it('makes three calls by default, with full jitter between them', async () => {
    const fn = failing(Infinity);
    const draws = [0.5, 0.25];
    const calls = pipeline(retry({ clock, random: { next: () => draws.shift()! } }));
    const delays: number[] = [];
    calls.on('retry', ({ delayMs }) => delays.push(delayMs));
    const call = watched(calls.execute(fn));
    await clock.runAll();
    expect(call.state).toBe('rejected');
    expect(fn).toHaveBeenCalledTimes(3);
    expect(delays).toEqual([500, 500]);
  });

  it('goes on without end where it is told so, until something else ends the call', async () => {
    const fn = failing(Infinity);
    const calls = pipeline(retry({ clock, maxAttempts: Infinity, backoff: exponential(), jitter: 'none' }));
    const call = watched(calls.execute(fn, { deadlineMs: 86_400_000 }));
    await clock.advance(86_400_000);
    // Six waits up to the cap take 63 s; one attempt a minute then.
    expect([call.state, fn.mock.calls.length]).toEqual(['rejected', 7 + Math.floor((86_400 - 63 - 1e-3) / 60)]);
  });

  it('passes the last error on unchanged, and tells how many attempts there were', async () => {
    const errors = [new Error('1'), new Error('2'), new Error('3')];
    const { calls } = retried(atOnce);
    const outcome = await calls.tryExecute(({ attempt }) => Promise.reject(errors[attempt - 1]!));
    expect(outcome).toMatchObject({ ok: false, attempts: 3 });
    expect(!outcome.ok && outcome.error).toBe(errors[2]);
  });

  it('waits between attempts as long as its backoff says', async () => {
    const fn = failing(2);
    const { calls } = retried({ backoff: exponential({ initialMs: 100 }) });
    const call = watched(calls.execute(fn));
    await clock.advance(99);
    expect(fn).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(fn).toHaveBeenCalledTimes(2);
    await clock.advance(199);
    expect(fn).toHaveBeenCalledTimes(2);
    await clock.advance(1);
    expect(call.value).toBe('item');
    expect(clock.pendingTimers).toBe(0);
  });

  it('waits as long as the error asks for, wherever it came from, instead of its backoff', async () => {
    const fn = failing(1, Object.assign(new Error('busy'), { retryAfterMs: 7_000 }));
    const { calls } = retried({ jitter: 'full' });
    const told = vi.fn();
    calls.on('retry', told);
    const call = watched(calls.execute(fn));
    await clock.advance(6_999);
    expect(fn).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(call.value).toBe('item');
    expect(told).toHaveBeenCalledWith(expect.objectContaining({ attempt: 1, delayMs: 7_000, serverNamed: true }));
  });

  it.each([Number.NaN, -1, '5', null])('takes a wait of %s for none at all', async (retryAfterMs) => {
    const { calls } = retried({ backoff: constant(50) });
    const call = watched(calls.execute(failing(1, { retryAfterMs })));
    await clock.advance(49);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.value).toBe('item');
  });

  it('tries again at once where the error says that no wait is needed', async () => {
    const { calls } = retried();
    await expect(calls.execute(failing(1, { retryAfterMs: 0 }))).resolves.toBe('item');
  });

  it('waits just as long as an error may ask for at most', async () => {
    const { calls } = retried({ maxRetryAfterMs: 5_000 });
    const call = watched(calls.execute(failing(1, { retryAfterMs: 5_000 })));
    await clock.advance(5_000);
    expect(call.value).toBe('item');
  });

  it.each([null, undefined, 'down', 5, () => 1])('tries again after what is no error at all: %s', async (thrown) => {
    const { calls } = retried(atOnce);
    await expect(calls.execute(failing(1, thrown))).resolves.toBe('item');
  });

  it('tries again after an error that can not be looked into, and passes it on', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const budget = retryBudget();
    const { calls } = retried({ ...atOnce, budget, retryIf: () => true });
    const outcome = await calls.tryExecute(failing(Infinity, proxy));
    expect([outcome.attempts, !outcome.ok && outcome.error === proxy, budget.callsInFlight]).toEqual([3, true, 0]);
  });

  it('fails at once with what the server said when that is too long', async () => {
    const error = Object.assign(new Error('busy'), { retryAfterMs: 61_000 });
    const fn = failing(1, error);
    const { calls } = retried();
    const reasons: string[] = [];
    calls.on('retry-given-up', ({ reason }) => reasons.push(reason));
    expect(await rejection(calls.execute(fn))).toBe(error);
    expect(fn).toHaveBeenCalledTimes(1);
    expect(reasons).toEqual(['retry-after-too-long']);
  });

  it('begins no attempt that the deadline, or a timeout outside, can not fit', async () => {
    const fn = failing(Infinity);
    const policy = retry({ backoff: constant(100), jitter: 'none' });
    const reasons: string[] = [];
    const calls = pipeline({ clock }, timeout({ timeoutMs: 250 }), policy);
    calls.on('retry-given-up', ({ reason }) => reasons.push(reason));
    const call = watched(calls.execute(fn, { deadlineMs: 150 }));
    await clock.advance(100);
    expect(fn).toHaveBeenCalledTimes(2);
    expect([call.error, reasons]).toEqual([new Error('down'), ['deadline']]);
  });

  it.each([
    [299, 3],
    [300, 4],
  ])('begins no attempt later than %i ms after the first, which makes %i', async (maxElapsedMs, attempts) => {
    clock = new VirtualClock({ startMs: 5_000 });
    const fn = failing(Infinity);
    const { calls } = retried({ maxAttempts: 10, backoff: constant(100), maxElapsedMs });
    const reasons: string[] = [];
    calls.on('retry-given-up', ({ reason }) => reasons.push(reason));
    const call = watched(calls.execute(fn));
    await clock.advance(1_000);
    expect(fn).toHaveBeenCalledTimes(attempts);
    expect([call.state, reasons]).toEqual(['rejected', ['max-elapsed']]);
  });

  it('reads the clock for a call that is answered only where the elapsed time is limited', async () => {
    for (const [maxElapsedMs, readings] of [
      [undefined, 0],
      [1_000, 1],
    ] as const) {
      const counting = new CoalescingClock();
      const calls = pipeline(retry({ clock: counting, maxElapsedMs }));
      await calls.execute(failing(0));
      expect(counting.readings).toBe(readings);
    }
  });

  it('retries only what its condition says, which is told the attempt', async () => {
    const retryIf = vi.fn((error: unknown, _attempt: number) => (error as Error).message === 'down');
    const { calls } = retried({ ...atOnce, retryIf });
    const fn = vi.fn(({ attempt }: { attempt: number }) => Promise.reject(new Error(attempt === 1 ? 'down' : 'gone')));
    expect(await rejection(calls.execute(fn))).toEqual(new Error('gone'));
    expect(retryIf.mock.calls.map(([, attempt]) => attempt)).toEqual([1, 2]);
  });

  it('retries a result that is not acceptable, and passes the last one on; the condition on errors is not asked', async () => {
    const retryIf = vi.fn(() => false);
    const { calls, policy } = retried({ ...atOnce, retryIf, retryResultIf: (value) => value === 'pending' });
    await expect(calls.execute(({ attempt }) => (attempt < 3 ? 'pending' : 'done'))).resolves.toBe('done');
    await expect(calls.execute(() => 'pending')).resolves.toBe('pending');
    expect(policy.statistics).toMatchObject({ succeededFirst: 0, succeededAfterRetry: 1, failed: 1, exhausted: 1 });
    expect(retryIf).not.toHaveBeenCalled();
  });

  it('fails with the error of the attempt when its own hooks throw, and tells each', async () => {
    const bug = (): never => {
      throw new TypeError('bug');
    };
    const hooks: string[] = [];
    const policies: RetryOptions[] = [{ retryIf: bug }, { onRetry: bug, ...atOnce, maxAttempts: 2 }];
    for (const options of policies) {
      const { calls } = retried(options);
      calls.on('hook-failed', ({ hook }) => hooks.push(hook));
      expect(await rejection(calls.execute(failing(Infinity)))).toEqual(new Error('down'));
    }
    const { calls } = retried({ retryResultIf: bug });
    calls.on('hook-failed', ({ hook }) => hooks.push(hook));
    await expect(calls.execute(() => 'item')).resolves.toBe('item');
    expect(hooks).toEqual(['retryIf', 'onRetry', 'retryResultIf']);
  });

  const brokenBackoffs: readonly [string, () => number][] = [
    [
      'throws',
      () => {
        throw new TypeError('bug');
      },
    ],
    ['gives no number', () => Number.NaN],
    ['gives less than nothing', () => -1],
    ['gives nothing', () => undefined as never],
  ];
  it.each(brokenBackoffs)('waits as long as its backoff may at most when that %s', async (_how, delayMs) => {
    const { calls } = retried({ maxAttempts: 2, backoff: { maxMs: 300, delayMs } });
    const delays: number[] = [];
    calls.on('retry', (event) => delays.push(event.delayMs));
    calls.on('hook-failed', ({ hook }) => delays.push(hook.length));
    watched(calls.execute(failing(Infinity)));
    await clock.runAll();
    expect(delays).toEqual(['backoff'.length, 300]);
  });

  it('waits never longer than the cap, whatever backoff or jitter say', async () => {
    const options: RetryOptions[] = [
      { backoff: { maxMs: 1_000, delayMs: () => 5_000 } },
      { backoff: { maxMs: 1_000, delayMs: () => Infinity } },
    ];
    for (const given of options) {
      const { calls } = retried({ maxAttempts: 2, ...given });
      const delays: number[] = [];
      calls.on('retry', ({ delayMs }) => delays.push(delayMs));
      watched(calls.execute(failing(Infinity)));
      await clock.runAll();
      expect(delays).toEqual([1_000]);
    }
  });

  it('keeps a floor under its waits that jitter respects', async () => {
    const { calls } = retried({ backoff: constant(1_000), jitter: () => 0, minMs: 200 });
    const call = watched(calls.execute(failing(1)));
    await clock.advance(199);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.state).toBe('fulfilled');
  });

  it.each([0, 150])('keeps the floor also under a wait of %s ms that the error asks for', async (retryAfterMs) => {
    const { calls } = retried({ minMs: 200 });
    const delays: number[] = [];
    calls.on('retry', ({ delayMs }) => delays.push(delayMs));
    const call = watched(calls.execute(failing(1, { retryAfterMs })));
    await clock.advance(200);
    expect([call.value, delays]).toEqual(['item', [200]]);
  });

  it('fails at once only where what the error asks for is too long, whatever the floor', async () => {
    const { calls } = retried({ minMs: 200, maxRetryAfterMs: 100 });
    const call = watched(calls.execute(failing(1, { retryAfterMs: 100 })));
    await clock.advance(200);
    expect(call.value).toBe('item');
    expect(await rejection(calls.execute(failing(1, { retryAfterMs: 101 })))).toEqual({ retryAfterMs: 101 });
  });

  it('tells a listener what it waits for, and calls onRetry before the wait', async () => {
    const onRetry = vi.fn();
    const { calls } = retried({ backoff: constant(10), onRetry, name: 'again' });
    const told = vi.fn();
    calls.on('retry', told);
    watched(calls.execute(failing(1), { key: 'sku:1' }));
    await microtasks();
    expect(onRetry).toHaveBeenCalledWith({ attempt: 1, delayMs: 10, error: new Error('down') });
    expect(told).toHaveBeenCalledWith({
      type: 'retry',
      pipeline: 'stock',
      policy: 'again',
      key: 'sku:1',
      timestamp: clock.wallTime(),
      attempt: 1,
      delayMs: 10,
      error: new Error('down'),
      serverNamed: false,
      outcome: 'failure',
    });
    await clock.runAll();
  });
});

describe('the options of a retry', () => {
  const wrong: readonly [object, string][] = [
    [{ maxAttempts: 0 }, 'retry.maxAttempts'],
    [{ maxAttempts: 2.5 }, 'retry.maxAttempts'],
    [{ backoff: '1s' }, 'retry.backoff'],
    [{ backoff: { delayMs: () => 1 } }, 'retry.backoff'],
    [{ jitter: 'some' }, 'retry.jitter'],
    [{ minMs: 2_000, backoff: constant(1_000) }, 'retry.minMs'],
    [{ maxRetries: 3 }, 'retry.maxRetries'],
  ];
  it.each(wrong)('are refused where they can not be meant: %o', (options, path) => {
    expect(() => retry(options)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', faults: [expect.objectContaining({ path })] }),
    );
  });

  it('let a call queue again for its permit at each attempt', async () => {
    const gate = bulkhead({ maxConcurrent: 1 });
    const calls = pipeline({ clock }, retry(atOnce), gate);
    await rejection(calls.execute(failing(Infinity)));
    expect(gate.running).toBe(0);
  });
});
