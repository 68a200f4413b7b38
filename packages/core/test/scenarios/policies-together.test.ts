import { bulkhead, circuitBreaker, consecutive, constant, fallback, pipeline, retry, timeout } from 'breakwater';
import { VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred, microtasks, rejection, watched } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const down = (): Promise<string> => Promise.reject(new Error('down'));
const never = (): Promise<string> => new Promise(() => undefined);
const atOnce = { backoff: constant(0) };

describe('a breaker with other policies', () => {
  it('is not opened by a full bulkhead inside it, at the first attempt or at a later one', async () => {
    const breaker = circuitBreaker({ trip: consecutive(2) });
    const gate = bulkhead({ maxConcurrent: 1 });
    const calls = pipeline({ clock }, retry({ ...atOnce, maxAttempts: 5 }), breaker, gate);
    const permit = await gate.acquire();
    for (let n = 0; n < 3; n++)
      expect(await rejection(calls.execute(async () => 'item'))).toMatchObject({ code: 'BULKHEAD_FULL' });
    expect(breaker.state).toBe('closed');
    permit.release();
    const taken: Promise<unknown>[] = [];
    calls.on('retry', ({ attempt }) => attempt === 1 && taken.push(gate.acquire()));
    expect(await rejection(calls.execute(down))).toMatchObject({ code: 'BULKHEAD_FULL' });
    expect([taken.length, breaker.throughput, breaker.state]).toEqual([1, 1, 'closed']);
  });

  it('is opened by as many timeouts as by failures, and one timeout neither opens it nor aborts other calls', async () => {
    const breaker = circuitBreaker({ trip: consecutive(2) });
    const calls = pipeline({ clock }, breaker, timeout({ timeoutMs: 100 }));
    const signals: AbortSignal[] = [];
    const fn = ({ signal }: { signal: AbortSignal }): Promise<string> => {
      signals.push(signal);
      return never();
    };
    watched(calls.execute(fn));
    await clock.advance(60);
    watched(calls.execute(fn));
    await clock.advance(40);
    expect([breaker.state, ...signals.map(({ aborted }) => aborted)]).toEqual(['closed', true, false]);
    await clock.advance(60);
    expect(breaker.state).toBe('open');
  });

  it('counts a call that a timeout outside has ended as a failure, and one that its caller aborted as nothing', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100 }), breaker);
    const controller = new AbortController();
    watched(calls.execute(never, { signal: controller.signal }));
    controller.abort();
    expect([breaker.state, breaker.throughput]).toEqual(['closed', 0]);
    watched(calls.execute(never));
    await clock.advance(100);
    expect(breaker.state).toBe('open');
  });

  it('counts a call as a failure whose signal is that of a time limit of the platform, alone or among others', async () => {
    const breaker = circuitBreaker({ minThroughput: 100 });
    const calls = pipeline({ clock }, breaker);
    const other = new AbortController();
    const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    for (const alone of [true, false]) {
      const limit = new AbortController();
      const signal = alone ? limit.signal : AbortSignal.any([limit.signal, other.signal]);
      const call = watched(calls.execute(never, { signal }));
      limit.abort(reason);
      await microtasks();
      expect(call.error).toBe(reason);
    }
    const cancelled = watched(calls.execute(never, { signal: other.signal }));
    other.abort();
    await microtasks();
    expect([cancelled.state, breaker.throughput, breaker.failureRatio]).toEqual(['rejected', 2, 1]);
  });

  it('is told nothing by a timeout or a deadline that ends a call in the queue inside it', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 5 });
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100 }), breaker, gate);
    const permit = await gate.acquire();
    const ends = [watched(calls.execute(never)), watched(calls.execute(never, { deadlineMs: 50 }))];
    await clock.advance(100);
    expect(ends.map(({ error }) => (error as { code: string }).code)).toEqual(['TIMEOUT', 'DEADLINE_EXCEEDED']);
    expect([breaker.state, gate.queued]).toEqual(['closed', 0]);
    permit.release();
  });

  it('that opens meanwhile refuses the next attempt, which is not retried, and the fallback answers', async () => {
    const breaker = circuitBreaker({ trip: consecutive(2) });
    const fn = vi.fn(down);
    const errors: unknown[] = [];
    const stale = fallback({ run: (error) => errors.push((error as { code?: string }).code) });
    const calls = pipeline({ clock }, stale, retry({ ...atOnce, maxAttempts: 9 }), breaker);
    await expect(calls.execute(fn)).resolves.toBe(1);
    expect(fn).toHaveBeenCalledTimes(2);
    expect(errors).toEqual(['CIRCUIT_OPEN']);
  });
});

describe('a bulkhead with other policies', () => {
  it('has its permit back at each wait of a retry outside it', async () => {
    const gate = bulkhead({ maxConcurrent: 1 });
    const calls = pipeline({ clock }, retry({ backoff: constant(100), jitter: 'none' }), gate);
    const call = watched(calls.execute(down));
    await clock.advance(50);
    expect([call.state, gate.running]).toEqual(['pending', 0]);
    await clock.runAll();
    expect([call.state, gate.running]).toEqual(['rejected', 0]);
  });

  it('holds a permit for a run that nobody waits for, where permits return with the function', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 1, releaseOn: 'settled' });
    const calls = pipeline({ clock }, retry({ ...atOnce, maxAttempts: 2 }), gate, timeout({ timeoutMs: 10 }));
    const answers = [deferred(), deferred()];
    const fn = vi.fn(({ attempt }: { attempt: number }) => answers[attempt - 1]!.promise);
    const call = watched(calls.execute(fn));
    await clock.advance(10);
    expect([fn.mock.calls.length, gate.running, gate.queued]).toEqual([1, 1, 1]);
    answers[0]!.resolve('late');
    await microtasks();
    expect([fn.mock.calls.length, gate.running, gate.queued]).toEqual([2, 1, 0]);
    answers[1]!.resolve('item');
    await microtasks();
    expect([call.value, gate.running]).toEqual(['item', 0]);
  });
});

describe('a fallback with other policies', () => {
  it('does not replace what the caller’s own abort ends', async () => {
    const controller = new AbortController();
    const run = vi.fn(() => 'substitute');
    const calls = pipeline({ clock }, fallback({ run }), retry({ backoff: constant(100) }));
    const call = watched(calls.execute(down, { signal: controller.signal }));
    await microtasks();
    controller.abort('left');
    await microtasks();
    expect(call.error).toBe('left');
    expect(run).not.toHaveBeenCalled();
  });

  it('inside a retry answers the first attempt; outside it the last', async () => {
    const fn = vi.fn(down);
    await pipeline({ clock }, retry(atOnce), fallback({ value: 1 })).execute(fn);
    expect(fn).toHaveBeenCalledTimes(1);
    await pipeline({ clock }, fallback({ value: 1 }), retry(atOnce)).execute(fn);
    expect(fn).toHaveBeenCalledTimes(4);
  });
});
