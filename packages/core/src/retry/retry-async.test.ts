import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { constant } from './backoff.ts';
import { retryAsync } from './retry-async.ts';
import { failing } from './test-support/failing.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

describe('retryAsync', () => {
  it('calls a function again until it is answered, with the waits of a retry', async () => {
    const fn = failing(2);
    const call = watched(retryAsync(fn, { clock, backoff: constant(100), jitter: 'none' }));
    await clock.advance(199);
    expect(fn).toHaveBeenCalledTimes(2);
    await clock.advance(1);
    expect(call.value).toBe('item');
    expect(clock.pendingTimers).toBe(0);
  });

  it('needs no options, and keeps the type of the result, of a synchronous function too', async () => {
    const result = retryAsync(async ({ attempt }: ExecutionContext) => attempt);
    expectTypeOf(result).toEqualTypeOf<Promise<number>>();
    await expect(result).resolves.toBe(1);
    expectTypeOf(retryAsync(() => 'item')).toEqualTypeOf<Promise<string>>();
  });

  it('rejects with the last error itself after three calls by default', async () => {
    const error = new Error('down');
    const fn = failing(Infinity, error);
    const call = watched(retryAsync(fn, { clock }));
    await clock.runAll();
    expect(call.error).toBe(error);
    expect(fn).toHaveBeenCalledTimes(3);
  });

  it('ends at once with the reason of an abort, during a wait too, and makes no other call', async () => {
    const controller = new AbortController();
    const fn = failing(Infinity);
    const call = watched(retryAsync(fn, { clock, signal: controller.signal }));
    await microtasks();
    controller.abort('left');
    await microtasks();
    expect([call.error, clock.pendingTimers]).toEqual(['left', 0]);
    await clock.advance(60_000);
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('never calls the function when the signal was aborted before', async () => {
    const fn = failing(0);
    expect(await rejection(retryAsync(fn, { signal: AbortSignal.abort('left') }))).toBe('left');
    expect(fn).not.toHaveBeenCalled();
  });

  it('ends with its deadline, and hands key, priority and what is left of the time to the function', async () => {
    const seen: unknown[] = [];
    const fn = ({ key, priority, remainingMs }: ExecutionContext): Promise<string> => {
      seen.push([key, priority, remainingMs]);
      return new Promise(() => undefined);
    };
    const call = watched(retryAsync(fn, { clock, key: 'sku:1', priority: 'high', cost: 2, deadlineMs: 500 }));
    await clock.advance(500);
    expect(call.error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(seen).toEqual([['sku:1', 'high', 500]]);
  });

  it('is part of the call whose context it is given', async () => {
    const { signal } = new AbortController();
    const inner = await retryAsync((parent) => retryAsync(({ key }) => key, { parent, clock }), {
      clock,
      key: 'outer',
      signal,
    });
    expect(inner).toBe('outer');
  });

  it.each([
    [{ maxRetries: 3 }, 'retry.maxRetries'],
    [{ maxAttempts: 0 }, 'retry.maxAttempts'],
    [{ deadlineMs: -1 }, 'execute.deadlineMs'],
    [{ signal: 5 }, 'execute.signal'],
    ['1s', 'retry.0'],
  ])('rejects options that can not be meant, and never throws: %o', async (options, path) => {
    const fn = failing(0);
    const error = await rejection(retryAsync(fn, options as never));
    expect(error).toMatchObject({ code: 'CONFIGURATION' });
    expect((error as { faults: { path: string }[] }).faults[0]).toMatchObject({ path });
    expect(fn).not.toHaveBeenCalled();
  });

  it('rejects what is no function', async () => {
    expect(await rejection(retryAsync('load' as never))).toMatchObject({ code: 'CONFIGURATION' });
  });
});
