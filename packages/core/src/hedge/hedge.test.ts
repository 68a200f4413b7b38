import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { BreakwaterError } from '../errors/breakwater-error.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { hedge } from './hedge.ts';
import { hedgeDefaults, type HedgeOptions } from './options.ts';
import { hedgedCall } from './test-support/hedged-call.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const down = new Error('down');
const final = new BreakwaterError('bad', { code: 'BAD', category: 'validation' });

const hedged = (options: HedgeOptions, signal?: AbortSignal) => hedgedCall(clock, options, signal);

describe('a hedge with a delay', () => {
  it('begins no other attempt when the first is answered in time, and leaves no timer', async () => {
    const { attempts, call, events } = hedged({ delayMs: 100 });
    await clock.advance(99);
    attempts.answer(1, 'item');
    await clock.advance(1_000);
    expect([attempts.begun, call.value, events]).toEqual([1, { ok: true, value: 'item', attempts: 1 }, []]);
    expect([attempts.aborted, clock.pendingTimers]).toEqual([[], 0]);
  });

  it('begins another exactly when the delay has passed, and takes the first answer, whichever it is', async () => {
    for (const winner of [1, 2]) {
      const { attempts, call, events } = hedged({ delayMs: 100 });
      await clock.advance(99.9);
      expect(attempts.begun).toBe(1);
      await clock.advance(0.1);
      expect(attempts.begun).toBe(2);
      attempts.answer(winner, 'item');
      await microtasks();
      expect(call.value).toMatchObject({ ok: true, value: 'item', attempts: 2 });
      expect(attempts.aborted).toEqual([3 - winner]);
      expect(attempts.contexts[2 - winner]!.signal.reason).toMatchObject({
        name: 'AbortError',
        message: expect.stringContaining('decided by another'),
      });
      expect(events).toEqual([
        ['hedge', 2, 'delay'],
        ['hedge-won', winner],
      ]);
      expect(clock.pendingTimers).toBe(0);
    }
  });

  it('begins one more after each delay, up to its number, each with its own number', async () => {
    const { attempts } = hedged({ delayMs: 100, maxAttempts: 4 });
    for (const expected of [2, 3, 4, 4]) {
      await clock.advance(100);
      expect(attempts.begun).toBe(expected);
    }
    expect(attempts.contexts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('begins the next at once when one has failed, and the delay for the one after that anew', async () => {
    const { attempts, events } = hedged({ delayMs: 100, maxAttempts: 3 });
    await clock.advance(60);
    attempts.fail(1, down);
    await microtasks();
    expect(attempts.begun).toBe(2);
    await clock.advance(99);
    expect(attempts.begun).toBe(2);
    await clock.advance(1);
    expect(attempts.begun).toBe(3);
    expect(events).toEqual([
      ['hedge-attempt-failed', 1],
      ['hedge', 2, 'failure'],
      ['hedge', 3, 'delay'],
    ]);
  });

  it('counts from the beginning of the last attempt, also where that began because one had failed before it returned', async () => {
    const fn = vi.fn(({ attempt }: { attempt: number }) => {
      if (attempt === 1) throw down;
      return deferred().promise;
    });
    watched(pipeline({ clock }, hedge({ delayMs: 100, maxAttempts: 4 })).execute(fn, { deadlineMs: 350 }));
    for (const begun of [2, 3, 4, 4]) {
      expect(fn).toHaveBeenCalledTimes(begun);
      await clock.advance(100);
    }
    expect(clock.pendingTimers).toBe(0);
  });

  it('is two seconds and two attempts by default', async () => {
    expect(hedgeDefaults).toEqual({ delayMs: 2_000, maxAttempts: 2 });
    const { attempts, policy } = hedged({});
    expect(policy.delayMs).toBe(2_000);
    await clock.advance(1_999);
    expect(attempts.begun).toBe(1);
    await clock.advance(10_000);
    expect(attempts.begun).toBe(2);
  });

  it('with one attempt is no hedge: no timer, and the error is the attempt’s own', async () => {
    const { attempts, call } = hedged({ delayMs: 100, maxAttempts: 1 });
    expect(clock.pendingTimers).toBe(0);
    attempts.fail(1, down);
    await microtasks();
    expect(call.value).toMatchObject({ ok: false, error: down, attempts: 1 });
  });
});

describe('a hedge without a delay', () => {
  it('begins all attempts at once, and takes the first answer', async () => {
    const { attempts, call, events, policy } = hedged({ delayMs: 0, maxAttempts: 3 });
    expect([attempts.begun, policy.delayMs, clock.pendingTimers]).toEqual([3, 0, 0]);
    attempts.answer(3, 'item');
    await microtasks();
    expect([call.value, attempts.aborted]).toMatchObject([{ value: 'item', attempts: 3 }, [1, 2]]);
    expect(events).toEqual([
      ['hedge', 2, 'at-once'],
      ['hedge', 3, 'at-once'],
      ['hedge-won', 3],
    ]);
  });

  it('begins no further ones when the first is answered before it returns', async () => {
    const fn = vi.fn(() => 'item');
    const calls = pipeline(hedge({ delayMs: 0, maxAttempts: 3 }));
    expect(await calls.tryExecute(fn)).toEqual({ ok: true, value: 'item', attempts: 1 });
    expect(fn).toHaveBeenCalledTimes(1);
    expect(calls.busy).toBe(0);
  });
});

describe('a hedge on failure', () => {
  it('begins another only when one has failed, however long it takes', async () => {
    const { attempts, call, policy } = hedged({ delayMs: 'on-failure', maxAttempts: 3 });
    expect(policy.delayMs).toBeUndefined();
    await clock.advance(1e9);
    expect([attempts.begun, clock.pendingTimers]).toEqual([1, 0]);
    attempts.fail(1, down);
    await microtasks();
    expect(attempts.begun).toBe(2);
    attempts.fail(2, down);
    await microtasks();
    attempts.answer(3, 'item');
    await microtasks();
    expect(call.value).toMatchObject({ value: 'item', attempts: 3 });
  });

  it('of a function that fails before it returns asks it as often as it may, and no more', async () => {
    const errors = [1, 2, 3, 4].map((n) => new Error(`${n}`));
    const fn = vi.fn(({ attempt }: { attempt: number }) => {
      throw errors[attempt - 1]!;
    });
    const calls = pipeline(hedge({ delayMs: 'on-failure', maxAttempts: 4 }));
    expect(await rejection(calls.execute(fn))).toBe(errors[0]);
    expect(fn).toHaveBeenCalledTimes(4);
    expect(calls.busy).toBe(0);
  });
});

describe('when attempts fail', () => {
  it('and all do, the call fails with the error of the first, in whatever order they failed', async () => {
    const { attempts, call, events } = hedged({ delayMs: 0, maxAttempts: 3 });
    const errors = [1, 2, 3].map((n) => new Error(`${n}`));
    for (const attempt of [3, 1, 2]) {
      expect(call.state).toBe('pending');
      attempts.fail(attempt, errors[attempt - 1]);
      await microtasks();
    }
    expect(call.value).toMatchObject({ ok: false, attempts: 3 });
    expect((call.value as { error: unknown }).error).toBe(errors[0]);
    expect(events.slice(2)).toEqual([
      ['hedge-attempt-failed', 3],
      ['hedge-attempt-failed', 1],
      ['hedge-attempt-failed', 2],
    ]);
  });

  it('the others go on, and one of them may still answer', async () => {
    const { attempts, call } = hedged({ delayMs: 0 });
    attempts.fail(1, down);
    await microtasks();
    expect([call.state, attempts.aborted]).toEqual(['pending', []]);
    attempts.answer(2, 'item');
    await microtasks();
    expect(call.value).toMatchObject({ value: 'item' });
  });

  it('the first for good, the call ends with that at once, and the others are aborted', async () => {
    const { attempts, call } = hedged({ delayMs: 0, maxAttempts: 3 });
    attempts.fail(1, final);
    await microtasks();
    expect((call.value as { error: unknown }).error).toBe(final);
    expect([attempts.begun, attempts.aborted]).toEqual([3, [2, 3]]);
  });

  it('a later one for good, the first goes on all the same, and no other is begun', async () => {
    const { attempts, call } = hedged({ delayMs: 100, maxAttempts: 4 });
    await clock.advance(100);
    attempts.fail(2, final);
    await microtasks();
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(1_000);
    expect([attempts.begun, call.state]).toEqual([2, 'pending']);
    attempts.answer(1, 'item');
    await microtasks();
    expect(call.value).toMatchObject({ value: 'item', attempts: 2 });
  });

  it('the first after a later one has failed for good, none is begun in its place', async () => {
    const { attempts, call } = hedged({ delayMs: 0, maxAttempts: 2 });
    attempts.fail(2, final);
    await microtasks();
    attempts.fail(1, down);
    await microtasks();
    expect((call.value as { error: unknown }).error).toBe(down);
    expect(attempts.begun).toBe(2);
  });

  it('by what the condition says is a failure, which is told the attempt; everything else ends the call', async () => {
    const hedgeIf = vi.fn((error: unknown, _attempt: number) => error === down);
    const { attempts, call } = hedged({ delayMs: 'on-failure', maxAttempts: 5, hedgeIf });
    attempts.fail(1, down);
    await microtasks();
    attempts.fail(2, final);
    await microtasks();
    expect((call.value as { error: unknown }).error).toBe(down);
    expect(hedgeIf.mock.calls).toEqual([
      [down, 1],
      [final, 2],
    ]);
  });

  it('by a result that is not acceptable, another is begun; when all are, the first result is the call’s', async () => {
    const hedgeResultIf = vi.fn((value: unknown, _attempt: number) => String(value).startsWith('stale'));
    const { attempts, call, events } = hedged({ delayMs: 'on-failure', hedgeResultIf });
    attempts.answer(1, 'stale 1');
    await microtasks();
    expect([attempts.begun, call.state]).toEqual([2, 'pending']);
    attempts.answer(2, 'stale 2');
    await microtasks();
    expect(call.value).toEqual({ ok: true, value: 'stale 1', attempts: 2 });
    expect(hedgeResultIf.mock.calls).toEqual([
      ['stale 1', 1],
      ['stale 2', 2],
    ]);
    expect(events).toEqual([
      ['hedge-attempt-failed', 1],
      ['hedge', 2, 'failure'],
      ['hedge-attempt-failed', 2],
    ]);
    const other = hedged({ delayMs: 'on-failure', hedgeResultIf });
    other.attempts.answer(1, 'fresh');
    await microtasks();
    expect(other.call.value).toMatchObject({ value: 'fresh', attempts: 1 });
  });

  it('and a condition throws, which is told, a result counts as an answer and an error as one that stays', async () => {
    const bug = (): never => {
      throw new TypeError('bug');
    };
    const hooks: string[] = [];
    const calls = pipeline({ clock }, hedge({ delayMs: 'on-failure', hedgeIf: bug, hedgeResultIf: bug }));
    calls.on('hook-failed', ({ hook, policy }) => hooks.push(`${policy} ${hook}`));
    await expect(calls.execute(() => 'item')).resolves.toBe('item');
    const fn = vi.fn(() => Promise.reject(down));
    expect(await rejection(calls.execute(fn))).toBe(down);
    expect(fn).toHaveBeenCalledTimes(1);
    expect(hooks).toEqual(['hedge hedgeResultIf', 'hedge hedgeIf']);
  });
});

describe('the options of a hedge', () => {
  it.each([
    [{ delayMs: -1 }, 'hedge.delayMs'],
    [{ delayMs: Infinity }, 'hedge.delayMs'],
    [{ delayMs: 'on-slow' }, 'hedge.delayMs'],
    [{ delayMs: { quantile: 0.9 } }, 'hedge.delayMs'],
    [{ maxAttempts: 0 }, 'hedge.maxAttempts'],
    [{ maxAttempts: 101 }, 'hedge.maxAttempts'],
    [{ budget: true }, 'hedge.budget'],
    [{ hedgeIf: true }, 'hedge.hedgeIf'],
    [{ maxHedges: 1 }, 'hedge.maxHedges'],
  ])('are refused where they can not be meant: %o', (options, path) => {
    expect(() => hedge(options as never)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', faults: [expect.objectContaining({ path })] }),
    );
  });

  it('name it, and it is a hedge', () => {
    expect(hedge({ name: 'twice' })).toMatchObject({ kind: 'hedge', name: 'twice' });
    expect(hedge()).toMatchObject({ kind: 'hedge', name: 'hedge' });
  });
});
