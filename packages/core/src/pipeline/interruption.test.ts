import { describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { fallback } from '../fallback/fallback.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { pipeline } from './pipeline.ts';

const reason = new Error('the user has left');
const never = (): Promise<string> => new Promise(() => undefined);

describe('the abort of a caller', () => {
  it('ends a call at once while its function runs, with the reason of the abort', async () => {
    const { controller, signal } = countedController();
    const calls = pipeline(bulkhead());
    const call = watched(calls.execute(never, { signal }));
    controller.abort(reason);
    await microtasks(3);
    expect(call).toMatchObject({ state: 'rejected', error: reason, settled: 1 });
  });

  it('never starts the function of a call whose signal was aborted before', async () => {
    const fn = vi.fn();
    expect(await rejection(pipeline(retry()).execute(fn, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(fn).not.toHaveBeenCalled();
  });

  it('aborts the signal of the run with the same reason', async () => {
    const { controller, signal } = countedController();
    let context: ExecutionContext | undefined;
    const call = watched(
      pipeline().execute(
        (given) => {
          context = given;
          return never();
        },
        { signal },
      ),
    );
    expect(context!.signal.aborted).toBe(false);
    controller.abort(reason);
    await microtasks(3);
    expect(context!.signal.reason).toBe(reason);
    expect(call.error).toBe(reason);
  });

  it('in a listener of an event, before an attempt that would begin at once, lets no further attempt begin', async () => {
    const { controller, signal } = countedController();
    const calls = pipeline(retry({ backoff: constant(0) }));
    calls.on('retry', () => controller.abort(reason));
    const fn = vi.fn(() => Promise.reject(new Error('down')));
    expect(await rejection(calls.execute(fn, { signal }))).toBe(reason);
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('in a listener while the call goes inward lets the function not begin, and gives permits back', async () => {
    const { controller, signal } = countedController();
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ trip: consecutive(1), breakMs: 100 });
    const gate = bulkhead();
    const calls = pipeline({ clock }, gate, breaker);
    await rejection(calls.execute(() => Promise.reject(new Error('down'))));
    await clock.advance(100);
    calls.on('circuit-half-opened', () => controller.abort(reason));
    const fn = vi.fn();
    expect(await rejection(calls.execute(fn, { signal }))).toBe(reason);
    expect(fn).not.toHaveBeenCalled();
    expect(gate.running).toBe(0);
    await expect(calls.execute(() => 'the probe has its place')).resolves.toBeDefined();
  });

  it('by the function itself, before its first await, ends the call with the reason', async () => {
    const { controller, signal } = countedController();
    const gate = bulkhead({ maxConcurrent: 1 });
    const calls = pipeline(retry(), gate);
    const call = calls.execute(
      () => {
        controller.abort(reason);
        return never();
      },
      { signal },
    );
    expect(await rejection(call)).toBe(reason);
    expect(gate.running).toBe(0);
  });

  it('by a synchronous function that then throws is followed by no other attempt', async () => {
    const { controller, signal } = countedController();
    const fn = vi.fn(() => {
      controller.abort(reason);
      throw new Error('down');
    });
    expect(await rejection(pipeline(retry({ backoff: constant(0) })).execute(fn, { signal }))).toBe(reason);
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('by a synchronous function in a run under a policy around gives each permit back once', async () => {
    const { controller, signal } = countedController();
    const gate = bulkhead({ maxConcurrent: 1 });
    const calls = pipeline({ kind: 'plain', around: (_context, next) => next() }, gate);
    const call = calls.execute(
      () => {
        controller.abort(reason);
        return 'too late';
      },
      { signal },
    );
    expect(await rejection(call)).toBe(reason);
    expect(gate.running).toBe(0);
    expect(calls.busy).toBe(0);
  });

  it('during the wait of a retry ends the call at once and leaves no timer', async () => {
    const { controller, signal } = countedController();
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, retry({ backoff: constant(60_000), jitter: 'none' }));
    const fn = vi.fn(() => Promise.reject(new Error('down')));
    const call = watched(calls.execute(fn, { signal }));
    await clock.advance(10);
    controller.abort(reason);
    await microtasks(3);
    expect(call.error).toBe(reason);
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(100_000);
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('during a fallback ends the call at once, aborts the context of the fallback and asks no other one', async () => {
    const { controller, signal } = countedController();
    const contexts: ExecutionContext[] = [];
    const second = vi.fn(() => 'second');
    const first = (_error: unknown, context: ExecutionContext): Promise<string> => {
      contexts.push(context);
      return new Promise((_resolve, reject) => {
        context.signal.addEventListener('abort', () => reject(context.signal.reason as Error));
      });
    };
    const call = watched(
      pipeline(fallback({ inOrder: [first, second] })).execute(() => Promise.reject(new Error('down')), { signal }),
    );
    await microtasks();
    controller.abort(reason);
    await microtasks();
    expect(call.error).toBe(reason);
    expect(contexts[0]!.signal.reason).toBe(reason);
    expect(second).not.toHaveBeenCalled();
  });

  it('from a waiter that the end of this very call woke up leaves the outcome to one of the two, once', async () => {
    const { controller, signal } = countedController();
    const clock = new VirtualClock();
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 2, releaseOn: 'settled' });
    const calls = pipeline({ clock }, retry({ maxAttempts: 1 }), gate, timeout({ timeoutMs: 10 }));
    const ended = vi.fn();
    calls.on('call-ended', ended);
    const slow = deferred();
    const first = watched(calls.execute(() => slow.promise, { signal }));
    const second = watched(
      calls.execute(() => {
        controller.abort(reason);
        return 'second';
      }),
    );
    await clock.advance(10);
    expect(first.error).toMatchObject({ code: 'TIMEOUT' });
    slow.resolve('late');
    await microtasks();
    expect(second).toMatchObject({ state: 'fulfilled', value: 'second' });
    expect(ended).toHaveBeenCalledTimes(2);
    expect(gate.running).toBe(0);
    expect(calls.busy).toBe(0);
  });

  it('that comes as the function has just settled, before the outcome is on its way, settles the call once', async () => {
    const { controller, signal } = countedController();
    const clock = new VirtualClock();
    const gate = bulkhead({ maxConcurrent: 2, maxQueue: 1, releaseOn: 'settled' });
    const again = retry({ maxAttempts: 2, backoff: constant(0) });
    const calls = pipeline({ clock }, again, gate, timeout({ timeoutMs: 10 }));
    const ended = vi.fn();
    calls.on('call-ended', ended);
    const answers = [deferred(), deferred()];
    const call = watched(calls.execute(({ attempt }) => answers[attempt - 1]!.promise, { signal }));
    await clock.advance(10);
    const waiting = calls.execute(() => controller.abort(reason));
    expect(gate.queued).toBe(1);
    answers[0]!.reject(new Error('late'));
    answers[1]!.resolve('item');
    await waiting;
    await microtasks();
    expect(call.settled).toBe(1);
    expect(ended).toHaveBeenCalledTimes(2);
    expect([gate.running, calls.busy, clock.pendingTimers]).toEqual([0, 0, 0]);
  });
});

describe('what listens to a signal', () => {
  it('is one listener for all calls on it, gone when the last has ended', async () => {
    const counted = countedController();
    const calls = pipeline(bulkhead());
    const answers = [deferred(), deferred(), deferred()];
    const running = answers.map(({ promise }) => calls.execute(() => promise, { signal: counted.signal }));
    expect([counted.added, counted.listening]).toEqual([1, 1]);
    for (const answer of answers) answer.resolve('item');
    await Promise.all(running);
    expect(counted.listening).toBe(0);
  });

  it('is gone after calls that failed, were refused, were aborted or ran out of time', async () => {
    const counted = countedController();
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100 }), bulkhead({ maxConcurrent: 1 }));
    const { signal } = counted;
    const ends = [calls.execute(never, { signal }), calls.execute(never, { signal })].map(watched);
    await clock.advance(100);
    ends.push(watched(calls.execute(() => Promise.reject(new Error('down')), { signal })));
    await microtasks();
    expect(ends.map((end) => (end.error as { code?: string }).code)).toEqual(['TIMEOUT', 'BULKHEAD_FULL', undefined]);
    expect(counted.listening).toBe(0);
    const last = watched(calls.execute(never, { signal }));
    counted.controller.abort(reason);
    await microtasks();
    expect(last.error).toBe(reason);
    expect(counted.listening).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a deadline', () => {
  it('ends the call with a DeadlineExceededError, and is told as the time that remains', async () => {
    const clock = new VirtualClock();
    const remaining: number[] = [];
    const call = watched(
      pipeline({ clock, name: 'stock' }).execute(
        async (context) => {
          remaining.push(context.remainingMs);
          await new Promise(() => undefined);
        },
        { deadlineMs: 1_500 },
      ),
    );
    await clock.advance(1_499);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.error).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      category: 'timeout',
      details: { deadlineMs: 1_500 },
    });
    expect((call.error as Error).message).toBe('the call of stock did not end within its deadline of 1500 ms');
    expect(remaining).toEqual([1_500]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('of nothing ends the call before its function starts', async () => {
    const fn = vi.fn();
    const error = await rejection(pipeline({ clock: new VirtualClock() }).execute(fn, { deadlineMs: 0 }));
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(fn).not.toHaveBeenCalled();
  });

  it('without end is none', async () => {
    const clock = new VirtualClock();
    await expect(pipeline({ clock }).execute((context) => context.remainingMs, { deadlineMs: Infinity })).resolves.toBe(
      Infinity,
    );
    expect(clock.pendingTimers).toBe(0);
  });

  it('leaves no timer after a call that ended in time', async () => {
    const clock = new VirtualClock();
    await pipeline({ clock }).execute(async () => 'item', { deadlineMs: 1_500 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts less for a run that was aborted: nothing', async () => {
    const clock = new VirtualClock();
    let context: ExecutionContext | undefined;
    const call = watched(
      pipeline({ clock }).execute(
        (given) => {
          context = given;
          return never();
        },
        { deadlineMs: 10 },
      ),
    );
    await clock.advance(10);
    expect(call.state).toBe('rejected');
    expect(context!.remainingMs).toBe(0);
  });
});

describe('a signal that is read late', () => {
  it('is the aborted one of its own run, not that of the next attempt', async () => {
    const clock = new VirtualClock();
    const contexts: ExecutionContext[] = [];
    const calls = pipeline({ clock }, retry({ maxAttempts: 2, backoff: constant(0) }), timeout({ timeoutMs: 10 }));
    const call = watched(
      calls.execute((context) => {
        contexts.push(context);
        return never();
      }),
    );
    await clock.advance(15);
    expect(contexts).toHaveLength(2);
    expect(contexts[0]!.signal.aborted).toBe(true);
    expect(contexts[0]!.signal.reason).toMatchObject({ code: 'TIMEOUT' });
    expect(contexts[1]!.signal.aborted).toBe(false);
    await clock.advance(5);
    expect(contexts[1]!.signal.aborted).toBe(true);
    expect(call.error).toBe(contexts[1]!.signal.reason);
  });

  it('is not aborted after a success', async () => {
    let context: ExecutionContext | undefined;
    await pipeline(timeout({ timeoutMs: 10 })).execute((given) => {
      context = given;
      return given.signal.aborted;
    });
    expect(context!.signal.aborted).toBe(false);
  });
});
