import { beforeEach, describe, expect, it, vi } from 'vitest';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { BreakwaterError } from '../errors/breakwater-error.ts';
import { EventChannel } from '../events/channel.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { constant } from './backoff.ts';
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

describe('the known defects of others, which a retry does not have', () => {
  it('an abort during a wait ends the call at once, not after the wait, and no other attempt runs', async () => {
    const controller = new AbortController();
    const { calls } = retried({ backoff: constant(10_000) });
    const fn = failing(Infinity);
    const call = watched(calls.execute(fn, { signal: controller.signal }));
    await clock.advance(10);
    controller.abort('left');
    await microtasks();
    expect([call.error, clock.pendingTimers]).toEqual(['left', 0]);
    await clock.advance(60_000);
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('a validation error is not retried', async () => {
    const error = new BreakwaterError('bad', { code: 'BAD', category: 'validation' });
    const fn = failing(1, error);
    expect(await rejection(retried().calls.execute(fn))).toBe(error);
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('the rejection of an open breaker inside is not retried: the breaker is asked once', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const calls = pipeline({ clock }, retry({ ...atOnce }), breaker);
    expect(await rejection(calls.execute(failing(Infinity)))).toMatchObject({ code: 'CIRCUIT_OPEN' });
    const refused = vi.fn();
    calls.on('circuit-rejected', refused);
    await rejection(calls.execute(failing(0)));
    expect(refused).toHaveBeenCalledTimes(1);
  });

  it('options given as a string are an error, not a constant delay', () => {
    expect(() => retry('1s' as never)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', faults: [expect.objectContaining({ path: 'retry' })] }),
    );
  });

  it('the options of a later retry change nothing about an earlier one', async () => {
    const { calls } = retried({ ...atOnce, maxAttempts: 2 });
    retried({ ...atOnce, maxAttempts: 9 });
    const fn = failing(Infinity);
    await rejection(calls.execute(fn));
    expect(fn).toHaveBeenCalledTimes(2);
  });

  it('a jitter that exceeds its delay by half does not exceed the cap', async () => {
    const { calls } = retried({ backoff: constant(1_000), jitter: (delayMs) => delayMs * 1.5 });
    const delays: number[] = [];
    calls.on('retry', ({ delayMs }) => delays.push(delayMs));
    watched(calls.execute(failing(1)));
    await clock.runAll();
    expect(delays).toEqual([1_000]);
  });
});

describe('a hook of a retry', () => {
  it('that does its work is not told, and neither is anything else where nobody listens', async () => {
    const emit = vi.spyOn(EventChannel.prototype, 'emit');
    const { calls } = retried({ ...atOnce, onRetry: () => undefined, maxAttempts: 2 });
    await calls.execute(failing(1));
    await rejection(calls.execute(failing(2)));
    expect(emit).not.toHaveBeenCalled();
    const told = vi.fn();
    calls.on('hook-failed', told);
    await calls.execute(failing(1));
    expect(told).not.toHaveBeenCalled();
  });

  it('for jitter that throws or gives no number is told, and the wait is as long as it may be at most', async () => {
    const bug = (): never => {
      throw new TypeError('bug');
    };
    for (const jitter of [bug, () => Number.NaN]) {
      const { calls } = retried({ backoff: { maxMs: 300, delayMs: () => 10 }, jitter });
      const told: unknown[] = [];
      calls.on('retry', ({ delayMs }) => told.push(delayMs));
      calls.on('hook-failed', ({ hook }) => told.push(hook));
      watched(calls.execute(failing(1)));
      await clock.runAll();
      expect(told).toEqual(['backoff', 300]);
    }
  });

  it('that rejects is told, and nobody waits for it', async () => {
    const onRetry: () => unknown = async () => {
      throw new TypeError('bug');
    };
    const { calls } = retried({ ...atOnce, onRetry });
    const told: unknown[] = [];
    calls.on('hook-failed', ({ hook, error }) => told.push([hook, error]));
    await expect(calls.execute(failing(1))).resolves.toBe('item');
    await microtasks();
    expect(told).toEqual([['onRetry', new TypeError('bug')]]);
  });
});
