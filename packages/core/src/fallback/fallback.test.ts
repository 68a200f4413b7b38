import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { callableThenable, foreignThenable, thenTrap } from '../testing/test-support/thenables.ts';
import { timeout } from '../timeout/timeout.ts';
import { fallback } from './fallback.ts';

const down = (): Promise<string> => Promise.reject(new Error('down'));

describe('a fallback', () => {
  it('is not asked when the call is answered', async () => {
    const run = vi.fn(() => 'substitute');
    await expect(pipeline(fallback({ run })).execute(async () => 'item')).resolves.toBe('item');
    expect(run).not.toHaveBeenCalled();
  });

  it('resolves with its value in place of the error, also when that is undefined or null', async () => {
    await expect(pipeline(fallback({ value: 'none' })).execute(down)).resolves.toBe('none');
    await expect(pipeline(fallback({ value: undefined })).execute(down)).resolves.toBeUndefined();
    await expect(pipeline(fallback({ value: null })).execute(down)).resolves.toBeNull();
  });

  it('makes its value from the error and the context, once for a call, at once or as a promise', async () => {
    const error = new Error('down');
    const run = vi.fn(async (first: unknown, context: ExecutionContext) => [first, context.key]);
    const given = await pipeline(fallback({ run })).execute(() => Promise.reject(error), { key: 'k' });
    expect(given).toEqual([error, 'k']);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('waits for a function that is a thenable, and asks the next when that rejects', async () => {
    const first = callableThenable(Promise.reject(new Error('away')));
    const calls = pipeline(fallback({ inOrder: [() => first, () => callableThenable(foreignThenable('next'))] }));
    await expect(calls.execute(down)).resolves.toBe('next');
  });

  it('passes an error on that it does not handle, unchanged', async () => {
    const run = vi.fn();
    const error = new TypeError('mine');
    const calls = pipeline(fallback({ run, handleIf: (thrown) => thrown instanceof RangeError }));
    expect(await rejection(calls.execute(() => Promise.reject(error)))).toBe(error);
    expect(run).not.toHaveBeenCalled();
  });

  it('replaces a result that it handles, of which its function is told, and passes all others on', async () => {
    const run = vi.fn(() => 'in stock');
    const calls = pipeline(fallback({ run, handleResultIf: (value) => value === 'unknown' }));
    const told = vi.fn();
    calls.on('fallback', told);
    await expect(calls.execute(() => 'sold out')).resolves.toBe('sold out');
    expect(run).not.toHaveBeenCalled();
    await expect(calls.execute(async () => 'unknown')).resolves.toBe('in stock');
    expect(run).toHaveBeenCalledWith(undefined, expect.objectContaining({ attempt: 2 }), 'unknown');
    expect(told).toHaveBeenCalledWith(expect.objectContaining({ error: undefined, outcome: 'success' }));
    expect(calls.executeSync(() => 'unknown')).toBe('in stock');
    await expect(calls.execute(down)).resolves.toBe('in stock');
    expect(run).toHaveBeenLastCalledWith(expect.any(Error), expect.anything(), undefined);
  });

  it('fails with the error of its last function where it can not replace a result, without a cause', async () => {
    const bug = new Error('bug');
    const fail = (): never => {
      throw bug;
    };
    const calls = pipeline(fallback({ inOrder: [fail, () => Promise.reject(bug)], handleResultIf: () => true }));
    expect(await rejection(calls.execute(() => 'unknown'))).toBe(bug);
    expect(bug).not.toHaveProperty('cause');
  });

  it('passes a result on when its condition throws, and tells that', async () => {
    const failed = vi.fn();
    const handleResultIf = (): never => {
      throw new RangeError('bug');
    };
    const calls = pipeline(fallback({ value: 'never', handleResultIf }));
    calls.on('hook-failed', failed);
    await expect(calls.execute(() => 'item')).resolves.toBe('item');
    expect(failed).toHaveBeenCalledWith(expect.objectContaining({ hook: 'handleResultIf', policy: 'fallback' }));
  });

  it('passes an error on when its condition throws, and tells that', async () => {
    const failed = vi.fn();
    const error = new Error('down');
    const policy = fallback({
      value: 'never',
      handleIf: () => {
        throw new RangeError('bug');
      },
    });
    const calls = pipeline(policy);
    calls.on('hook-failed', failed);
    expect(await rejection(calls.execute(() => Promise.reject(error)))).toBe(error);
    expect(failed).toHaveBeenCalledWith(expect.objectContaining({ hook: 'handleIf', policy: 'fallback' }));
  });

  it('asks its functions in order, each with the error of the one before', async () => {
    const seen: unknown[] = [];
    const failing = (name: string) => (error: unknown) => {
      seen.push((error as Error).message);
      throw new Error(name);
    };
    const rejecting = async (error: unknown): Promise<string> => {
      seen.push((error as Error).message);
      throw new Error('third');
    };
    const last = (error: unknown): string => `after ${(error as Error).message}`;
    const calls = pipeline(fallback({ inOrder: [failing('second'), rejecting, last] }));
    await expect(calls.execute(down)).resolves.toBe('after third');
    expect(seen).toEqual(['down', 'second']);
  });

  it.each(['at once', 'as a promise'])(
    'fails with its own error, which has the very first one as cause (%s)',
    async (when) => {
      const first = new Error('first');
      const fail = (error: Error) => () => {
        if (when === 'at once') throw error;
        return Promise.reject(error);
      };
      const last = new Error('last');
      const calls = pipeline(fallback({ inOrder: [fail(new Error('between')), fail(last)] }));
      expect(await rejection(calls.execute(() => Promise.reject(first)))).toBe(last);
      expect(last.cause).toBe(first);
    },
  );

  it('leaves a cause alone that its error already has, and errors that can not carry one', async () => {
    const own = new Error('own', { cause: 'mine' });
    const frozen = Object.freeze(new Error('frozen'));
    const throwing = (error: unknown) => () => {
      throw error;
    };
    for (const error of [own, frozen, 'a word']) {
      expect(await rejection(pipeline(fallback({ run: throwing(error) })).execute(down))).toBe(error);
    }
    expect(own.cause).toBe('mine');
  });

  it('makes no circle of causes when it throws what it was given, or a part of that', async () => {
    const root = new Error('root');
    const wrapped = new Error('wrapped', { cause: root });
    const same = pipeline(
      fallback<never>({
        run: (error) => {
          throw error;
        },
      }),
    );
    const unwrapping = pipeline(
      fallback<never>({
        run: (error) => {
          throw (error as Error).cause;
        },
      }),
    );
    expect(await rejection(same.execute(() => Promise.reject(root)))).toBe(root);
    expect(await rejection(unwrapping.execute(() => Promise.reject(wrapped)))).toBe(root);
    expect(root.cause).toBeUndefined();
  });

  it('rejects when reading `then` of its substitute throws', async () => {
    expect(await rejection(pipeline(fallback({ value: thenTrap() })).execute(down))).toBeInstanceOf(RangeError);
  });

  it('tells whether it could make a substitute', async () => {
    const told: unknown[] = [];
    const calls = pipeline(fallback({ value: 1, name: 'stale' }));
    calls.on('fallback', ({ policy, outcome, error }) => told.push([policy, outcome, (error as Error).message]));
    await calls.execute(down);
    const failing = pipeline(
      fallback({
        run: () => Promise.reject(new Error('gone')),
      }),
    );
    failing.on('fallback', ({ policy, outcome, error }) => told.push([policy, outcome, (error as Error).message]));
    await rejection(failing.execute(down));
    expect(told).toEqual([
      ['stale', 'success', 'down'],
      ['fallback', 'failure', 'down'],
    ]);
  });

  it('that takes too long is ended by a timeout outside, its context aborted, its late answer ignored', async () => {
    const clock = new VirtualClock();
    const contexts: ExecutionContext[] = [];
    const late = deferred();
    const calls = pipeline(
      { clock },
      timeout({ timeoutMs: 100 }),
      fallback({
        run: (_error, context) => {
          contexts.push(context);
          return late.promise;
        },
      }),
    );
    const call = watched(calls.execute(down));
    await clock.advance(100);
    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
    expect(contexts[0]!.signal.reason).toBe(call.error);
    late.resolve('late');
    await microtasks();
    expect(call.settled).toBe(1);
    expect(calls.busy).toBe(0);
  });

  it('is told the time that is left to it', async () => {
    const clock = new VirtualClock();
    const calls = pipeline(
      { clock },
      timeout({ timeoutMs: 100 }),
      fallback<number>({ run: (_error, { remainingMs }) => remainingMs }),
    );
    const call = watched(
      calls.execute(async () => {
        await clock.advance(0);
        throw new Error('down');
      }),
    );
    await clock.advance(0);
    await clock.advance(0);
    expect(call.value).toBe(100);
  });

  const wrong: readonly unknown[] = [
    {},
    undefined,
    { value: 1, run: () => 1 },
    { run: () => 1, inOrder: [() => 1] },
    { inOrder: [] },
    { run: 'x' },
  ];
  it.each(wrong.map((options) => [options]))('refuses to be made from %o', (options) => {
    expect(() => fallback(options as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
  });

  it('takes an option that is undefined as not given', async () => {
    await expect(pipeline(fallback({ value: 1, run: undefined })).execute(down)).resolves.toBe(1);
  });

  it('keeps the list that it was given when the caller changes it later', async () => {
    const inOrder = [() => 'kept'];
    const calls = pipeline(fallback({ inOrder }));
    inOrder.length = 0;
    await expect(calls.execute(down)).resolves.toBe('kept');
  });
});
