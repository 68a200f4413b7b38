import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import type { Failure } from '../policy/outcome.ts';
import { timeout } from '../timeout/timeout.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { brokenPromise, callableThenable, foreignThenable, thenTrap } from '../testing/test-support/thenables.ts';
import { pipeline } from './pipeline.ts';
import type { Pipeline } from './pipeline-contract.ts';

describe('execute', () => {
  const forms: readonly [string, () => Pick<Pipeline, 'execute' | 'tryExecute' | 'busy'>][] = [
    ['without a policy', () => pipeline()],
    ['on the straight path', () => pipeline(bulkhead())],
    ['with a policy that may interrupt', () => pipeline({ clock: new VirtualClock() }, timeout({ timeoutMs: 1_000 }))],
    ['under a policy around', () => pipeline({ kind: 'plain', around: (_context, next) => next() })],
  ];

  describe.each(forms)('%s', (_form, make) => {
    it('answers with what an async function answers', async () => {
      const calls = make();
      await expect(calls.execute(async () => 'item')).resolves.toBe('item');
      expect(calls.busy).toBe(0);
    });

    it('answers with what a synchronous function returns', async () => {
      await expect(make().execute(() => 'item')).resolves.toBe('item');
    });

    it('rejects with the very error of the function, thrown or rejected', async () => {
      const error = new Error('down');
      const calls = make();
      const thrown = (): string => {
        throw error;
      };
      expect(await rejection(calls.execute(thrown))).toBe(error);
      expect(await rejection(calls.execute(() => Promise.reject(error)))).toBe(error);
      expect(calls.busy).toBe(0);
    });

    it('waits for a foreign thenable, as await does', async () => {
      await expect(make().execute(() => foreignThenable('foreign'))).resolves.toBe('foreign');
    });

    it('waits for a function that is a thenable, as await does', async () => {
      const calls = make();
      await expect(calls.execute(() => callableThenable(foreignThenable('foreign')))).resolves.toBe('foreign');
      const outcome = await calls.tryExecute(() => callableThenable(Promise.reject(new Error('down'))));
      expect(outcome).toMatchObject({ ok: false, error: { message: 'down' } });
    });

    it('rejects when reading `then` of the result throws, as await does, and leaves nothing behind', async () => {
      const calls = make();
      expect(await rejection(calls.execute(thenTrap))).toBeInstanceOf(RangeError);
      expect(calls.busy).toBe(0);
    });

    it('rejects with what the `then` of a promise throws, and leaves nothing behind', async () => {
      const calls = make();
      expect(await rejection(calls.execute(brokenPromise))).toBeInstanceOf(RangeError);
      expect(calls.busy).toBe(0);
    });

    it('tells an outcome instead of rejecting where it is asked to', async () => {
      const calls = make();
      expect(await calls.tryExecute(() => 'item')).toMatchObject({ ok: true, value: 'item', attempts: 1 });
      expect(await calls.tryExecute(async () => 'item')).toMatchObject({ ok: true, value: 'item', attempts: 1 });
      expect(await calls.tryExecute(() => Promise.reject(new Error('down')))).toMatchObject({
        ok: false,
        error: new Error('down'),
        attempts: 1,
      });
    });

    it('calls the function without a `this` of its own', async () => {
      let self: unknown = 'not called';
      await make().execute(function (this: unknown) {
        self = this;
      });
      expect(self).toBeUndefined();
    });

    it('counts a call as busy until it has ended', async () => {
      const calls = make();
      const answer = deferred();
      const call = calls.execute(() => answer.promise);
      expect(calls.busy).toBeGreaterThan(0);
      answer.resolve('item');
      await call;
      expect(calls.busy).toBe(0);
    });
  });

  it.each([
    [null, 'execute', 'null'],
    ['now', 'execute', "'now'"],
    [new AbortController().signal, 'execute', 'an AbortSignal'],
    [{ key: 7 }, 'execute.key', '7'],
    [{ parent: 'other' }, 'execute.parent', "'other'"],
    [{ parent: null }, 'execute.parent', 'null'],
    [{ signal: new AbortController() }, 'execute.signal', 'an object'],
    [{ deadlineMs: NaN }, 'execute.deadlineMs', 'NaN'],
  ])('rejects options that can not be meant, and never throws: %o', async (options, path, received) => {
    const fn = vi.fn();
    for (const call of [pipeline().execute(fn, options as never), pipeline().tryExecute(fn, options as never)]) {
      const error = await call.then(
        (outcome) => (outcome as unknown as Failure).error,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code: 'CONFIGURATION', faults: [{ path, received }] });
    }
    expect(fn).not.toHaveBeenCalled();
  });

  it('gives the answer of the second attempt where the first one failed on the straight path', async () => {
    const clock = new VirtualClock();
    const fn = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error('down')).mockResolvedValue('item');
    const call = watched(pipeline({ clock }, retry({ backoff: constant(100), jitter: 'none' })).execute(fn));
    await clock.advance(99);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call).toMatchObject({ state: 'fulfilled', value: 'item', settled: 1 });
  });

  it('rejects through the same promise when attempts without a wait between them all fail', async () => {
    const errors = [new Error('1'), new Error('2'), new Error('3')];
    const fn = vi.fn((context: { attempt: number }) => Promise.reject(errors[context.attempt - 1]!));
    expect(await rejection(pipeline(retry({ backoff: constant(0) })).execute(fn))).toBe(errors[2]);
    expect(fn).toHaveBeenCalledTimes(3);
  });

  it('goes on with an async attempt after a synchronous one that threw', async () => {
    const fn = vi.fn((context: { attempt: number }) => {
      if (context.attempt === 1) throw new Error('sync');
      return Promise.resolve('item');
    });
    await expect(pipeline(retry({ backoff: constant(0) })).execute(fn)).resolves.toBe('item');
  });
});

describe('wrap', () => {
  it('keeps parameters and `this`, and gives each call its options', async () => {
    const keys: unknown[] = [];
    const calls = pipeline(
      { name: 'stock' },
      {
        kind: 'spy',
        around: (context, next) => {
          keys.push(context.key);
          return next();
        },
      },
    );
    const shop = {
      prefix: 'item ',
      get: calls.wrap(
        function (this: { prefix: string }, sku: string, size: number) {
          return `${this.prefix}${sku}/${size}`;
        },
        (sku) => ({ key: sku }),
      ),
    };
    await expect(shop.get('a', 4)).resolves.toBe('item a/4');
    expect(keys).toEqual(['a']);
  });

  it('rejects, and does not throw, when the options of a call can not be made', async () => {
    const get = pipeline().wrap(
      (sku: string) => sku,
      () => {
        throw new TypeError('no sku');
      },
    );
    expect(await rejection(get('a'))).toBeInstanceOf(TypeError);
  });

  it('keeps the name of the function and its number of parameters', () => {
    const get = pipeline().wrap(function load(sku: string, size: number) {
      return `${sku}/${size}`;
    });
    expect([get.name, get.length]).toEqual(['load', 2]);
  });

  it('refuses what is no function at once, and not with the first call', () => {
    expect(() => pipeline().wrap({ load: 1 } as never)).toThrow(/wrap: expected a function, received an object/);
  });
});

describe('a rejection before the function ran', () => {
  it('comes after a microtask, to a caller that listens by then', async () => {
    const full = bulkhead({ maxConcurrent: 1 });
    const calls = pipeline(full);
    const answer = deferred();
    const first = calls.execute(() => answer.promise);
    const second = watched(calls.execute(() => 'never'));
    expect(second.state).toBe('pending');
    await microtasks(3);
    expect(second).toMatchObject({ state: 'rejected', error: { code: 'BULKHEAD_FULL' } });
    answer.resolve('item');
    await first;
  });
});
