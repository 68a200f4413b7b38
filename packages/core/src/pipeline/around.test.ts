import { describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { fallback } from '../fallback/fallback.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { failure, success } from '../policy/outcome.ts';
import { AGAIN, type AroundPolicy, type Call, type HookPolicy, WAIT } from '../policy/policy.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { pipeline } from './pipeline.ts';

const reason = new Error('the user has left');
const never = (): Promise<string> => new Promise(() => undefined);

/** A user's own limiter, in a few lines. */
function limiter(): AroundPolicy & { held: number; reset: () => void } {
  return {
    kind: 'limiter',
    held: 0,
    reset: () => undefined,
    async around(_context, next) {
      this.held++;
      try {
        return await next();
      } finally {
        this.held--;
      }
    },
  };
}

describe('a policy by an async function', () => {
  it('can be written in a few lines, and sees context, answer and error', async () => {
    const seen: unknown[] = [];
    const policy: AroundPolicy = {
      kind: 'log',
      async around(context, next) {
        try {
          const value = await next();
          seen.push([context.key, value]);
          return value;
        } catch (error) {
          seen.push([context.key, error]);
          throw error;
        }
      },
    };
    const calls = pipeline(policy);
    await calls.execute(async () => 'item', { key: 'a' });
    await rejection(calls.execute(() => Promise.reject(reason), { key: 'b' }));
    expect(seen).toEqual([
      ['a', 'item'],
      ['b', reason],
    ]);
  });

  it('may run what is inside again, or several times at once, each run with its own number', async () => {
    const attempts: number[] = [];
    const twice: AroundPolicy = { kind: 'twice', around: async (_context, next) => [await next(), await next()] };
    const racing: AroundPolicy = { kind: 'race', around: (_context, next) => Promise.race([next(), next()]) };
    const fn = async ({ attempt }: ExecutionContext) => attempts.push(attempt);
    await pipeline(twice).execute(fn);
    await pipeline(racing).execute(fn);
    expect(attempts).toEqual([1, 2, 1, 2]);
  });

  it('may answer without the function', async () => {
    const fn = vi.fn();
    const calls = pipeline({ kind: 'cache', around: async () => 'cached' });
    expect(await calls.tryExecute(fn)).toMatchObject({ ok: true, value: 'cached', attempts: 0 });
    expect(fn).not.toHaveBeenCalled();
  });

  it('that throws before its first await fails the call', async () => {
    const broken: AroundPolicy = {
      kind: 'broken',
      around() {
        throw new TypeError('bug');
      },
    };
    const outcome = await pipeline(fallback({ handleIf: () => false, value: 1 }), broken).tryExecute(() => 1);
    expect(outcome).toMatchObject({ ok: false, error: new TypeError('bug'), attempts: 0 });
  });

  it('runs its finally at once when the caller aborts, whatever the function does', async () => {
    const controller = new AbortController();
    const policy = limiter();
    const calls = pipeline(policy);
    const call = watched(calls.execute(never, { signal: controller.signal }));
    await microtasks();
    expect(policy.held).toBe(1);
    controller.abort(reason);
    await microtasks();
    expect([call.error, policy.held]).toEqual([reason, 0]);
  });

  it('runs its finally when a timeout outside ends the call while it waits for a permit inside', async () => {
    const clock = new VirtualClock();
    const policy = limiter();
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 1 });
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100 }), policy, gate);
    const permit = await gate.acquire();
    const call = watched(calls.execute(() => 'never'));
    await clock.advance(100);
    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
    expect([policy.held, gate.queued, clock.pendingTimers]).toEqual([0, 0, 0]);
    permit.release();
    expect(gate.running).toBe(0);
  });

  it('that asks for another run after the call was ended gets none', async () => {
    const controller = new AbortController();
    const fn = vi.fn(() => Promise.reject(new Error('down')));
    const wait = deferred();
    const errors: unknown[] = [];
    const calls = pipeline({
      kind: 'stubborn',
      async around(_context, next) {
        await wait.promise;
        return next().catch((error: unknown) => errors.push(error));
      },
    });
    const call = watched(calls.execute(fn, { signal: controller.signal }));
    await microtasks();
    controller.abort(reason);
    wait.resolve('go on');
    await microtasks();
    expect([call.error, errors]).toEqual([reason, [reason]]);
    expect(fn).not.toHaveBeenCalled();
    expect(calls.busy).toBe(0);
  });

  it('has runs aborted that it has left behind when it ends, and gets no other', async () => {
    const contexts: ExecutionContext[] = [];
    let later: (() => Promise<unknown>) | undefined;
    const gate = bulkhead();
    const calls = pipeline(
      {
        kind: 'hasty',
        async around(_context, next) {
          void next();
          later = next;
          await microtasks(2);
          return 'done';
        },
      },
      gate,
    );
    const value = await calls.execute((context) => {
      contexts.push(context);
      return never();
    });
    expect(value).toBe('done');
    expect(contexts[0]!.signal.aborted).toBe(true);
    expect(contexts[0]!.signal.reason).toMatchObject({ name: 'AbortError' });
    expect(gate.running).toBe(0);
    expect(await rejection(later!())).toMatchObject({ name: 'AbortError' });
    expect(contexts).toHaveLength(1);
  });

  it('that runs what is inside within the call of another pipeline has that run end with it, and not begin after it', async () => {
    const runs: AbortSignal[] = [];
    let other!: ExecutionContext;
    const within: AroundPolicy = { kind: 'within', around: (_context, next) => next(other) };
    const calls = pipeline(within);
    const outer = new AbortController();
    const call = pipeline().tryExecute(
      (context) => {
        other = context;
        return never();
      },
      { signal: outer.signal },
    );
    const inside = rejection(
      calls.execute(({ signal }) => {
        runs.push(signal);
        return never();
      }),
    );
    await microtasks(8);
    outer.abort(reason);
    expect(await inside).toBe(reason);
    expect(runs.map(({ aborted }) => aborted)).toEqual([true]);
    await call;
    expect(await rejection(calls.execute(() => runs.push(outer.signal)))).toBe(reason);
    expect(runs).toHaveLength(1);
  });

  it('has a context that is aborted with the call', async () => {
    const controller = new AbortController();
    const contexts: ExecutionContext[] = [];
    const calls = pipeline({
      kind: 'sleeper',
      around: (context) => {
        contexts.push(context);
        return never();
      },
    });
    const call = watched(calls.execute(() => 1, { signal: controller.signal }));
    await microtasks();
    controller.abort(reason);
    await microtasks();
    expect(contexts[0]!.signal.reason).toBe(reason);
    expect(call.error).toBe(reason);
    expect(calls.busy).toBe(0);
  });

  it('has its inner runs reached by a cooperative timeout outside, which awaits them', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100, mode: 'cooperative' }), {
      kind: 'plain',
      around: (_context, next) => next(),
    });
    const answer = deferred();
    const signals: AbortSignal[] = [];
    const call = watched(
      calls.execute(({ signal }) => {
        signals.push(signal);
        return answer.promise;
      }),
    );
    await clock.advance(150);
    expect([call.state, signals[0]!.aborted]).toEqual(['pending', true]);
    answer.resolve('in the end');
    await microtasks();
    expect(call.value).toBe('in the end');
  });
});

describe('a policy by hooks', () => {
  const quiet = { leave: (_call: Call, _at: number, outcome: never) => outcome, cancel: () => undefined };

  it('may refuse, replace an outcome, or send the call inward again', async () => {
    const refusing: HookPolicy = { kind: 'a', ...quiet, enter: () => failure(reason) };
    const replacing: HookPolicy = { kind: 'b', ...quiet, enter: () => undefined, leave: () => success('other') };
    const again: HookPolicy = {
      kind: 'c',
      ...quiet,
      enter: () => undefined,
      leave: (call, _at, outcome) => (call.attempts < 3 ? AGAIN : outcome),
    };
    expect(await rejection(pipeline(refusing).execute(() => 1))).toBe(reason);
    await expect(pipeline(replacing).execute(() => 1)).resolves.toBe('other');
    expect(await pipeline(again).tryExecute(() => 1)).toMatchObject({ attempts: 3 });
  });

  it('may give one outcome to many calls, a frozen one too, and each call has its own count of attempts', async () => {
    const shared = failure(reason);
    const frozen = Object.freeze({ ok: true, value: 'cached', attempts: 0 } as const);
    const refusing: HookPolicy = { kind: 'a', ...quiet, enter: (call) => (call.attempts > 1 ? shared : undefined) };
    const again = retry({ backoff: constant(0), maxAttempts: 9, retryIf: (error) => error !== reason });
    const fn = ({ attempt }: ExecutionContext) => Promise.reject(new Error(`${attempt}`));
    const twice = await pipeline(again, refusing).tryExecute(fn);
    const replacing: HookPolicy = { kind: 'b', ...quiet, enter: () => undefined, leave: () => frozen };
    const thrice = await pipeline(again, refusing, again).tryExecute(fn);
    expect([twice.attempts, thrice.attempts]).toEqual([2, 9]);
    const other: HookPolicy = { kind: 'c', ...quiet, enter: () => shared };
    expect(await pipeline(other).tryExecute(fn)).toMatchObject({ error: reason, attempts: 0 });
    expect(twice.attempts).toBe(2);
    expect(await pipeline(replacing).tryExecute(() => 'item')).toEqual({ ok: true, value: 'cached', attempts: 1 });
    await expect(pipeline(replacing).execute(() => 'item')).resolves.toBe('cached');
  });

  it('may wait, and go on later, inward or outward', async () => {
    const waiting: HookPolicy = {
      kind: 'gate',
      ...quiet,
      enter: (call, at) => {
        queueMicrotask(() => call.resume(at));
        return WAIT;
      },
      leave: (call, at) => {
        queueMicrotask(() => {
          call.complete(at, success('late'));
          call.complete(at, success('twice'));
          call.resume(at);
        });
        return WAIT;
      },
    };
    const fn = vi.fn(() => 'item');
    await expect(pipeline(waiting).execute(fn)).resolves.toBe('late');
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it.each(['enter', 'leave'] as const)('whose %s throws fails the call, and those outside are told', async (hook) => {
    const gate = bulkhead();
    const broken: HookPolicy = {
      kind: 'broken',
      enter: () => undefined,
      ...quiet,
      [hook]: () => {
        throw new TypeError('bug');
      },
    };
    const calls = pipeline(gate, broken, bulkhead());
    expect(await rejection(calls.execute(async () => 'item'))).toEqual(new TypeError('bug'));
    expect([gate.running, calls.busy]).toEqual([0, 0]);
  });

  it('whose cancel throws is told as an event, and keeps nobody else from letting go', async () => {
    const controller = new AbortController();
    const gate = bulkhead();
    const broken: HookPolicy = {
      kind: 'broken',
      ...quiet,
      enter: () => undefined,
      cancel: () => {
        throw new TypeError('bug');
      },
    };
    const calls = pipeline(gate, broken, bulkhead());
    const told = vi.fn();
    calls.on('hook-failed', told);
    const call = watched(calls.execute(never, { signal: controller.signal }));
    controller.abort(reason);
    await microtasks();
    expect([call.error, gate.running]).toEqual([reason, 0]);
    expect(told).toHaveBeenCalledWith(expect.objectContaining({ policy: 'broken', hook: 'cancel' }));
  });

  it('may start runs inside it and be told how each ended', async () => {
    const hedging: HookPolicy = {
      kind: 'hedge',
      ...quiet,
      enter: (call, at) => {
        const outcomes: unknown[] = [];
        queueMicrotask(() => {
          for (let n = 0; n < 2; n++) {
            call.fork(at, (outcome) => {
              outcomes.push(outcome.ok ? outcome.value : outcome.error);
              if (outcomes.length === 2) call.complete(at, success(outcomes));
            });
          }
        });
        return WAIT;
      },
    };
    const calls = pipeline(hedging, bulkhead());
    const outcome = await calls.tryExecute(({ attempt }) => (attempt === 1 ? Promise.reject(reason) : 'second'));
    expect(outcome).toMatchObject({ ok: true, attempts: 2, value: expect.arrayContaining([reason, 'second']) });
    expect(calls.busy).toBe(0);
  });
});
