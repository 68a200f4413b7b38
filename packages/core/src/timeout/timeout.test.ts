import { beforeEach, describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { fallback } from '../fallback/fallback.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from './timeout.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const never = (): Promise<string> => new Promise(() => undefined);
/** Rejects when its signal is aborted, as fetch does. */
const obedient = ({ signal }: ExecutionContext): Promise<string> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

describe('an aggressive timeout', () => {
  it('rejects exactly when time is up, aborts the signal with the same error, and leaves no timer', async () => {
    const contexts: ExecutionContext[] = [];
    const call = watched(
      pipeline({ clock }, timeout({ timeoutMs: 100, name: 'each' })).execute((context) => {
        contexts.push(context);
        return never();
      }),
    );
    await clock.advance(99.9);
    expect(call.state).toBe('pending');
    await clock.advance(0.1);
    expect(call.error).toMatchObject({
      name: 'TimeoutError',
      code: 'TIMEOUT',
      category: 'timeout',
      policy: 'each',
      timeoutMs: 100,
      details: { timeoutMs: 100 },
      message: 'no answer within 100 ms (each)',
    });
    expect(contexts[0]!.signal.reason).toBe(call.error);
    expect(clock.pendingTimers).toBe(0);
  });

  it('lets a call pass that ends in time, failed or not, and never aborts its signal', async () => {
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100 }));
    const contexts: ExecutionContext[] = [];
    await calls.execute((context) => contexts.push(context));
    await rejection(
      calls.execute((context) => {
        contexts.push(context);
        return Promise.reject(new Error('down'));
      }),
    );
    await clock.advance(1_000);
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([false, false]);
  });

  it('may be longer than 24.8 days without firing at once', async () => {
    const call = watched(pipeline({ clock }, timeout({ timeoutMs: 30 * 86_400_000 })).execute(never));
    await clock.advance(29 * 86_400_000);
    expect(call.state).toBe('pending');
    await clock.advance(86_400_000);
    expect(call.state).toBe('rejected');
  });

  it('limits the whole call outside a retry, waits included, and each attempt inside', async () => {
    const again = retry({ maxAttempts: 5, backoff: constant(80), jitter: 'none' });
    const startedAt: number[] = [];
    const fn = (): Promise<string> => {
      startedAt.push(clock.now());
      return never();
    };
    const call = watched(
      pipeline({ clock }, timeout({ timeoutMs: 1_000 }), again, timeout({ timeoutMs: 300 })).execute(fn),
    );
    await clock.advance(999);
    expect([call.state, startedAt]).toEqual(['pending', [0, 380, 760]]);
    await clock.advance(1);
    expect(call.error).toMatchObject({ timeoutMs: 1_000 });
    await clock.advance(10_000);
    expect([startedAt.length, clock.pendingTimers]).toEqual([3, 0]);
  });

  it('is the deadline of a pipeline that the function calls, whose runs it ends too', async () => {
    const inner = pipeline({ clock }, retry({ backoff: constant(10) }), timeout({ timeoutMs: 80 }));
    const remaining: number[] = [];
    const signals: AbortSignal[] = [];
    const call = watched(
      pipeline({ clock }, timeout({ timeoutMs: 100 })).execute((parent) =>
        inner.execute(
          ({ remainingMs, signal }) => {
            remaining.push(remainingMs);
            signals.push(signal);
            return never();
          },
          { parent },
        ),
      ),
    );
    await clock.advance(100);
    expect(call.error).toMatchObject({ code: 'TIMEOUT', timeoutMs: 100 });
    expect(remaining[0]).toBe(80);
    expect(remaining[1]).toBeLessThanOrEqual(20);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    await clock.advance(1_000);
    expect([inner.busy, clock.pendingTimers]).toEqual([2, 0]);
  });

  it('leaves no listener on the signal of the caller, however the call ends', async () => {
    const counted = countedController();
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100 }));
    const options = { signal: counted.signal };
    await calls.execute(() => 'item', options);
    await rejection(calls.execute(() => Promise.reject(new Error('down')), options));
    const late = watched(calls.execute(never, options));
    expect(counted.listening).toBe(1);
    await clock.advance(100);
    expect([late.state, counted.listening]).toEqual(['rejected', 0]);
  });

  it('makes an event of a result that comes too late, which changes nothing', async () => {
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100 }));
    const told: unknown[] = [];
    calls.on('late-result', ({ outcome, value }) => told.push([outcome, value]));
    const answer = deferred();
    const call = watched(calls.execute(() => answer.promise));
    await clock.advance(100);
    answer.resolve('late');
    await microtasks();
    expect([call.state, call.settled, told]).toEqual(['rejected', 1, [['success', 'late']]]);
  });

  it('does not wait for a call that waits in a queue, which leaves the queue', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 5 });
    const permit = await gate.acquire();
    const call = watched(pipeline({ clock }, timeout({ timeoutMs: 100 }), gate).execute(never));
    await clock.advance(100);
    expect([call.state, gate.queued]).toEqual(['rejected', 0]);
    permit.release();
  });

  it('tells when it fires, and a listener that aborts the call then has its way', async () => {
    const controller = new AbortController();
    const reason = new Error('left');
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100 }), bulkhead());
    const told: unknown[] = [];
    calls.on('timeout', ({ timeoutMs, mode }) => {
      told.push([timeoutMs, mode]);
      controller.abort(reason);
    });
    const call = watched(calls.execute(never, { signal: controller.signal }));
    await clock.advance(100);
    expect([call.error, told]).toEqual([reason, [[100, 'aggressive']]]);
  });

  it('of one call leaves the other calls alone', async () => {
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100 }));
    const contexts: ExecutionContext[] = [];
    const start = () =>
      watched(
        calls.execute((context) => {
          contexts.push(context);
          return never();
        }),
      );
    const first = start();
    await clock.advance(50);
    const second = start();
    await clock.advance(50);
    expect([first.state, second.state]).toEqual(['rejected', 'pending']);
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  });
});

describe('a cooperative timeout', () => {
  const options = { timeoutMs: 100, mode: 'cooperative' } as const;

  it('aborts the signal and takes a result that still comes', async () => {
    const answer = deferred();
    const contexts: ExecutionContext[] = [];
    const call = watched(
      pipeline({ clock }, timeout(options)).execute((context) => {
        contexts.push(context);
        return answer.promise;
      }),
    );
    await clock.advance(100);
    expect(contexts[0]!.signal.reason).toMatchObject({ code: 'TIMEOUT' });
    expect([call.state, contexts[0]!.remainingMs]).toEqual(['pending', 0]);
    answer.resolve('in the end');
    await microtasks();
    expect(call.value).toBe('in the end');
  });

  it('makes an error that comes then a TimeoutError with that error as cause', async () => {
    const answer = deferred();
    const call = watched(pipeline({ clock }, timeout(options)).execute(() => answer.promise));
    await clock.advance(100);
    answer.reject(new Error('cleaned up'));
    await microtasks();
    expect(call.error).toMatchObject({ code: 'TIMEOUT', cause: new Error('cleaned up') });
  });

  it('with a retry inside does not retry', async () => {
    const fn = vi.fn(obedient);
    const call = watched(pipeline({ clock }, timeout(options), retry({ backoff: constant(0) })).execute(fn));
    await clock.advance(1_000);
    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('ends a wait between attempts, also while a run goes on that nobody waits for any more', async () => {
    const again = retry({ maxAttempts: 2, backoff: constant(80), jitter: 'none' });
    const calls = pipeline({ clock }, timeout(options), again, timeout({ timeoutMs: 10 }));
    const fn = vi.fn(never);
    const call = watched(calls.execute(fn));
    await clock.advance(85);
    expect(fn).toHaveBeenCalledTimes(1);
    await clock.advance(15);
    expect(fn).toHaveBeenCalledTimes(2);
    await clock.advance(1_000);
    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
    const slow = retry({ maxAttempts: 2, backoff: constant(89), jitter: 'none' });
    const other = vi.fn(never);
    const waiting = pipeline(
      { clock },
      timeout({ ...options, timeoutMs: 50 }),
      fallback({ run: never }),
      slow,
      timeout({ timeoutMs: 10 }),
    );
    const second = watched(waiting.execute(other));
    await clock.advance(50);
    expect(second.error).toMatchObject({ code: 'TIMEOUT', timeoutMs: 50 });
    expect(other).toHaveBeenCalledTimes(1);
  });

  it('does not wait for a queue', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 5 });
    await gate.acquire();
    const call = watched(pipeline({ clock }, timeout(options), gate).execute(never));
    await clock.advance(100);
    expect([call.state, gate.queued]).toEqual(['rejected', 0]);
  });
});

describe('a generated timeout', () => {
  it('is asked for each call, with its context', async () => {
    const calls = pipeline({ clock }, timeout({ timeoutMs: ({ key }) => (key === 'slow' ? 500 : 100) }));
    const ends = ['slow', 'fast'].map((key) => watched(calls.execute(never, { key })));
    await clock.advance(100);
    expect(ends.map(({ state }) => state)).toEqual(['pending', 'rejected']);
    await clock.advance(400);
    expect(ends[0]!.error).toMatchObject({ timeoutMs: 500 });
  });

  it('is told the time that those outside it leave, at each attempt of a retry', async () => {
    const remaining: number[] = [];
    const half = timeout({
      timeoutMs: ({ remainingMs }) => {
        remaining.push(remainingMs);
        return remainingMs / 2;
      },
    });
    const again = retry({ maxAttempts: 3, backoff: constant(100), jitter: 'none' });
    const call = watched(pipeline({ clock }, timeout({ timeoutMs: 1_000 }), again, half).execute(never));
    await clock.advance(1_000);
    expect(call.error).toMatchObject({ code: 'TIMEOUT', timeoutMs: 50 });
    expect(remaining).toEqual([1_000, 400, 100]);
  });

  it('that gives none has nothing to do with the time of the attempt before', async () => {
    const times = [100, Infinity];
    const generated = timeout({ timeoutMs: () => times.shift()! });
    const again = retry({ maxAttempts: 2, backoff: constant(10), jitter: 'none' });
    const error = new Error('down');
    const fn = async ({ attempt }: ExecutionContext): Promise<string> => {
      if (attempt === 1) return never();
      throw error;
    };
    const call = watched(pipeline({ clock }, again, generated).execute(fn));
    await clock.advance(110);
    expect(call.error).toBe(error);
  });

  it('may be as long as a number can say exactly', async () => {
    const calls = pipeline({ clock }, timeout({ timeoutMs: () => Number.MAX_SAFE_INTEGER }));
    await expect(calls.execute(({ remainingMs }) => remainingMs)).resolves.toBe(Number.MAX_SAFE_INTEGER);
  });

  it.each([0, -5, Number.NaN, 1e300, 'bug'])('that gives %s limits nothing, and is told', async (wrong) => {
    const calls = pipeline(
      { clock },
      timeout({
        timeoutMs: () => {
          if (wrong === 'bug') throw new TypeError('bug');
          return wrong as number;
        },
      }),
    );
    const told = vi.fn();
    calls.on('hook-failed', told);
    await expect(calls.execute(({ remainingMs }) => remainingMs)).resolves.toBe(Infinity);
    expect(told).toHaveBeenCalledWith(expect.objectContaining({ policy: 'timeout', hook: 'timeoutMs' }));
    expect(clock.pendingTimers).toBe(0);
  });

  it('that is Infinity limits nothing, and ends like any other where the caller aborts', async () => {
    const controller = new AbortController();
    const calls = pipeline({ clock }, timeout({ timeoutMs: () => Infinity }));
    const told = vi.fn();
    calls.on('hook-failed', told);
    const call = watched(calls.execute(never, { signal: controller.signal }));
    controller.abort('left');
    await microtasks();
    expect([call.error, told.mock.calls.length, clock.pendingTimers]).toEqual(['left', 0, 0]);
  });
});

describe('the options of a timeout', () => {
  it.each([
    [{}],
    [{ timeoutMs: 0 }],
    [{ timeoutMs: Infinity }],
    [{ timeoutMs: '1s' }],
    [{ timeoutMs: 1, mode: 'kind' }],
    [{ timeout: 1, timeoutMs: 1 }],
  ])('are refused where they can not be meant: %o', (options) => {
    expect(() => timeout(options as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
  });
});
