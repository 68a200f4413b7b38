import { beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { fallback } from '../fallback/fallback.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { type Outcome, success } from '../policy/outcome.ts';
import { AGAIN, type HookPolicy, WAIT } from '../policy/policy.ts';
import { rateLimit } from '../rate-limit/policy.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { brokenPromise, foreignThenable } from '../testing/test-support/thenables.ts';
import { microtasks } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { pipeline } from './pipeline.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const atOnce = { backoff: constant(0) };

function failing(times: number): (context: ExecutionContext) => string {
  return ({ attempt }) => {
    if (attempt <= times) throw new Error(`failure ${attempt}`);
    return 'item';
  };
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}

const faults = (run: () => unknown): unknown => (errorOf(run) as { readonly faults?: unknown }).faults;

describe('a synchronous call', () => {
  it('returns the value itself and throws the very error of the function', () => {
    const calls = pipeline({ clock });
    const error = new RangeError('no such item');
    expect(calls.executeSync(() => 5)).toBe(5);
    expect(calls.executeSync(() => undefined)).toBeUndefined();
    expect(
      errorOf(() =>
        calls.executeSync(() => {
          throw error;
        }),
      ),
    ).toBe(error);
  });

  it('runs under a retry without backoff, a breaker, a bulkhead without a queue and a fallback', () => {
    const breaker = circuitBreaker({ trip: consecutive(2) });
    const gate = bulkhead({ maxConcurrent: 1 });
    const calls = pipeline(
      { clock },
      fallback({ value: 'stale' }),
      retry({ ...atOnce, maxAttempts: 2 }),
      breaker,
      gate,
    );
    expect(calls.executeSync(failing(1))).toBe('item');
    expect(calls.executeSync(failing(2))).toBe('stale');
    expect([breaker.state, gate.running]).toEqual(['open', 0]);
    const fn = vi.fn(() => 'item');
    expect(calls.executeSync(fn)).toBe('stale');
    expect(fn).not.toHaveBeenCalled();
  });

  it('is refused by a full bulkhead and by a limit that nobody waits for', () => {
    const gate = bulkhead({ maxConcurrent: 1 });
    const limit = rateLimit({ limit: 1, periodMs: 1_000 }, { maxWaitMs: 0 });
    const calls = pipeline({ clock }, gate, limit);
    expect(calls.executeSync(() => calls.tryExecuteSync(() => 'inner'))).toMatchObject({
      ok: false,
      error: { code: 'BULKHEAD_FULL' },
      attempts: 0,
    });
    expect(errorOf(() => calls.executeSync(() => 'item'))).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1_000 });
    expect(gate.running).toBe(0);
  });

  it('gives an outcome with the number of attempts where it is asked for one, and never throws then', () => {
    const calls = pipeline({ clock }, retry({ ...atOnce, maxAttempts: 3 }));
    expect(calls.tryExecuteSync(failing(2))).toEqual({ ok: true, value: 'item', attempts: 3 });
    expect(calls.tryExecuteSync(failing(9))).toEqual({ ok: false, error: new Error('failure 3'), attempts: 3 });
    expect(calls.tryExecuteSync('x' as never)).toMatchObject({ ok: false, error: { code: 'CONFIGURATION' } });
  });

  it('sees the context that an asynchronous one sees', async () => {
    const calls = pipeline({ clock, name: 'parsing' }, retry(atOnce));
    const seen = ({ attempt, pipeline: name, key, priority, remainingMs, signal }: ExecutionContext): unknown => ({
      attempt,
      name,
      key,
      priority,
      remainingMs,
      aborted: signal.aborted,
    });
    const options = { key: 'a', priority: 'high' } as const;
    expect(calls.executeSync(seen, options)).toEqual(await calls.execute(seen, options));
    expect(calls.executeSync(seen, options)).toMatchObject({ attempt: 1, name: 'parsing', key: 'a', priority: 'high' });
  });

  it('tells the events that an asynchronous one tells, in the same order', async () => {
    const told = async (run: (calls: ReturnType<typeof made>) => unknown): Promise<unknown> => {
      const calls = made();
      const events: object[] = [];
      calls.on('*', (event) => events.push(event));
      await run(calls);
      return events;
    };
    const made = () =>
      pipeline(
        { clock, name: 'calls' },
        fallback({ value: 0 }),
        retry({ ...atOnce, maxAttempts: 2 }),
        circuitBreaker({ trip: consecutive(2) }),
      );
    const events = await told((calls) => calls.executeSync(failing(5), { key: 'k' }));
    expect(events).toEqual(await told((calls) => calls.execute(failing(5), { key: 'k' })));
    expect(events).toMatchObject([
      { type: 'attempt-ended', key: 'k', attempt: 1 },
      { type: 'retry', key: 'k' },
      { type: 'attempt-ended', key: 'k', attempt: 2 },
      { type: 'circuit-opened' },
      { type: 'retry-given-up' },
      { type: 'fallback' },
      { type: 'call-ended', outcome: 'success', attempts: 2 },
    ]);
  });

  it('counts in the statistics and windows of the policies as an asynchronous one does', async () => {
    const attempts = retry({ ...atOnce, maxAttempts: 2 });
    const breaker = circuitBreaker();
    const calls = pipeline({ clock }, attempts, breaker);
    calls.executeSync(failing(1));
    await calls.execute(failing(1));
    expect(attempts.statistics).toMatchObject({ calls: 2, retries: 2, succeededAfterRetry: 2 });
    expect([breaker.throughput, breaker.failureRatio]).toEqual([4, 0.5]);
  });

  it('can be made from within another call, and can make one', async () => {
    const calls = pipeline({ clock }, retry(atOnce));
    expect(calls.executeSync(() => calls.executeSync(() => 1) + 1)).toBe(2);
    await expect(calls.execute(async () => calls.executeSync(() => 3))).resolves.toBe(3);
  });

  it('leaves nothing behind: no timer, no busy call', async () => {
    const calls = pipeline({ clock }, retry(atOnce), circuitBreaker());
    for (const times of [0, 1, 9]) calls.tryExecuteSync(failing(times));
    expect([clock.pendingTimers, calls.busy]).toEqual([0, 0]);
    await calls.close();
    expect(errorOf(() => calls.executeSync(() => 1))).toMatchObject({ code: 'PIPELINE_CLOSED' });
  });

  it('fails with the last error where that names a wait, since there is none: retry-after-too-long', () => {
    const calls = pipeline({ clock }, retry(atOnce));
    const reasons: string[] = [];
    calls.on('retry-given-up', ({ reason }) => reasons.push(reason));
    const busy = Object.assign(new Error('busy'), { retryAfterMs: 10 });
    const fn = vi.fn(() => {
      throw busy;
    });
    expect(errorOf(() => calls.executeSync(fn))).toBe(busy);
    expect(fn).toHaveBeenCalledTimes(1);
    busy.retryAfterMs = 0;
    expect(errorOf(() => calls.executeSync(fn))).toBe(busy);
    expect(fn).toHaveBeenCalledTimes(4);
    expect(reasons).toEqual(['retry-after-too-long', 'max-attempts']);
  });
});

describe('a synchronous call is a configuration error before anything starts', () => {
  const hooks: HookPolicy<object, never> = {
    kind: 'own',
    enter: () => undefined,
    leave: (_call, _at, outcome) => outcome,
    cancel: () => undefined,
  };
  const waiting = [
    ['a timeout, which ends calls while they run', () => timeout({ timeoutMs: 10 }), 'timeout'],
    ['a cooperative timeout', () => timeout({ timeoutMs: 10, mode: 'cooperative' }), 'timeout'],
    ['a bulkhead with a queue', () => bulkhead({ maxQueue: 1 }), 'bulkhead'],
    ['a retry with a backoff', () => retry({ name: 'again' }), 'again'],
    ['a limit that calls wait for', () => rateLimit({ limit: 1, periodMs: 1 }), 'rate-limit'],
    ['a policy by an async function', () => ({ kind: 'log', around: async () => 1 }), 'log'],
    ['a pipeline in the pipeline', () => pipeline({ clock }), 'pipeline'],
    ['a policy of one’s own that does not say that it never waits', () => hooks, 'own'],
  ] as const;

  it.each(waiting)('under %s', (_title, policy, name) => {
    const fn = vi.fn(() => 'item');
    const calls = pipeline({ clock }, retry(atOnce), policy() as HookPolicy);
    const told = vi.fn();
    calls.on('*', told);
    expect(faults(() => calls.executeSync(fn))).toMatchObject([{ path: `pipeline.${name}` }]);
    expect(calls.tryExecuteSync(fn)).toMatchObject({ ok: false, error: { code: 'CONFIGURATION' }, attempts: 0 });
    expect(fn).not.toHaveBeenCalled();
    expect(told).not.toHaveBeenCalled();
  });

  it('but not under a policy of one’s own that says that it never waits', () => {
    const calls = pipeline({ clock }, { ...hooks, waits: false });
    expect(calls.executeSync(() => 1)).toBe(1);
  });

  it('with an async function, which is not started', () => {
    const fn = vi.fn();
    const calls = pipeline({ clock });
    // @ts-expect-error A function that returns a promise.
    const run = (): unknown => calls.executeSync(async () => fn());
    expect(faults(run)).toMatchObject([{ path: 'executeSync', received: 'an async function' }]);
    expect(fn).not.toHaveBeenCalled();
  });

  it('with a signal, a deadline or a parent, none of which could end it', async () => {
    const calls = pipeline({ clock });
    const { signal } = new AbortController();
    const context = await calls.execute((given) => given);
    for (const options of [{ signal }, { deadlineMs: 5 }, { parent: context }] as never[]) {
      const [key] = Object.keys(options);
      expect(faults(() => calls.executeSync(() => 1, options))).toMatchObject([{ path: `executeSync.${key}` }]);
    }
  });

  it('with everything that is wrong told at once', () => {
    const calls = pipeline({ clock }, timeout({ timeoutMs: 5 }), bulkhead({ maxQueue: 1 }));
    const run = (): unknown => calls.executeSync(5 as never, { priority: 'urgent' as never, cost: -1 });
    expect((faults(run) as { path: string }[]).map(({ path }) => path)).toEqual([
      'executeSync',
      'executeSync.priority',
      'executeSync.cost',
      'pipeline.timeout',
      'pipeline.bulkhead',
    ]);
  });
});

describe('a synchronous call that waits all the same', () => {
  const promised = [
    ['a promise', () => Promise.resolve('item')],
    ['a promise that rejects', () => Promise.reject(new Error('late'))],
    ['a thenable', () => foreignThenable('item')],
  ] as const;

  it.each(promised)(
    'because its function gives %s fails with a configuration error that no fallback hides',
    (_, fn) => {
      const gate = bulkhead();
      const breaker = circuitBreaker({ trip: consecutive(1) });
      const calls = pipeline({ clock }, fallback({ value: 'hidden' }), retry(atOnce), breaker, gate);
      const run = vi.fn(fn) as never;
      expect(faults(() => calls.executeSync(run))).toEqual([
        { path: 'executeSync', expected: 'a function that answers at once', received: 'a promise' },
      ]);
      expect(run).toHaveBeenCalledTimes(1);
      expect([breaker.state, breaker.throughput, gate.running]).toEqual(['closed', 0, 0]);
    },
  );

  it('lets a promise that can’t be waited for fail as it does in an asynchronous one', () => {
    expect(errorOf(() => pipeline({ clock }).executeSync(brokenPromise as never))).toEqual(new RangeError('broken'));
  });

  it('has its run aborted, and what still comes of it is told as late and changes nothing', async () => {
    const calls = pipeline({ clock });
    const late: unknown[] = [];
    calls.on('late-result', ({ outcome, value }) => late.push([outcome, value]));
    let aborted = false;
    const fn = async (signal: AbortSignal): Promise<string> => {
      signal.addEventListener('abort', () => (aborted = true));
      await Promise.resolve();
      return 'late';
    };
    const misuse = ({ signal }: ExecutionContext): unknown => fn(signal);
    expect(calls.tryExecuteSync(misuse)).toMatchObject({ ok: false, error: { code: 'CONFIGURATION' } });
    expect([aborted, calls.busy]).toEqual([true, 1]);
    await calls.close();
    expect([late, calls.busy]).toEqual([[['success', 'late']], 0]);
  });

  it('because a fallback makes its substitute as a promise fails, and that promise is not left unhandled', async () => {
    const calls = pipeline(
      { clock },
      fallback({ name: 'stale', run: () => Promise.reject(new Error('no')) }),
      retry(atOnce),
    );
    expect(faults(() => calls.executeSync(failing(9)))).toEqual([
      { path: 'pipeline.stale', expected: 'an answer at once', received: 'a wait' },
    ]);
    await microtasks();
    expect(calls.busy).toBe(0);
  });

  it.each(['enter', 'leave'] as const)(
    'because a policy breaks its word in %s fails, and each policy is told',
    (hook) => {
      const cancelled: unknown[] = [];
      const liar: HookPolicy<object, never> = {
        kind: 'liar',
        waits: false,
        enter: () => (hook === 'enter' ? WAIT : undefined),
        leave: (_call, _at, outcome) => (hook === 'leave' ? WAIT : outcome),
        cancel: (call, at, { error }, byCaller) => {
          cancelled.push([at, (error as { code: string }).code, byCaller]);
          // Too late: the call has ended.
          call.complete(at, success('late'));
          call.resume(at);
        },
      };
      const outer = { ...liar, kind: 'outer', enter: () => undefined };
      const calls = pipeline({ clock }, outer, liar);
      expect(faults(() => calls.executeSync(() => 1))).toMatchObject([{ path: 'pipeline.liar', received: 'a wait' }]);
      expect(cancelled).toEqual([
        [1, 'CONFIGURATION', true],
        [0, 'CONFIGURATION', true],
      ]);
    },
  );

  it('is known to be one by the policies in it', () => {
    const seen: boolean[] = [];
    const policy: HookPolicy<object, never> = {
      kind: 'watch',
      waits: false,
      enter: (call) => void seen.push(call.sync),
      leave: (call, _at, outcome) => {
        seen.push(call.sync);
        return seen.length < 4 ? AGAIN : outcome;
      },
      cancel: () => undefined,
    };
    const calls = pipeline({ clock }, policy);
    calls.executeSync(() => 1);
    void calls.execute(() => 1);
    expect(seen).toEqual([true, true, true, true, false, false]);
  });
});

describe('the types of a synchronous call', () => {
  it('say what it returns, what a fallback adds, and that no promise is to come', () => {
    const calls = pipeline({ clock }, fallback({ value: null }));
    const item: { readonly sku: string } = { sku: 'a' };
    expectTypeOf(calls.executeSync(() => item)).toEqualTypeOf<{ readonly sku: string } | null>();
    expectTypeOf(calls.tryExecuteSync(() => item)).toEqualTypeOf<Outcome<{ readonly sku: string } | null>>();
    expectTypeOf(pipeline({ clock }).executeSync(({ attempt }) => attempt)).toEqualTypeOf<number>();
    // @ts-expect-error It would return a promise.
    expect(() => pipeline({ clock }).executeSync(() => Promise.resolve(1))).toThrow(/executeSync/);
    // @ts-expect-error Nothing can abort it.
    expect(() => calls.executeSync(() => 1, { deadlineMs: 5 })).toThrow(/deadlineMs/);
  });
});
