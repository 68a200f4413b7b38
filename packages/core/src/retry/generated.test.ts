import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { foreignThenable, thenTrap } from '../testing/test-support/thenables.ts';
import { deferred, microtasks, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { constant } from './backoff.ts';
import { type DelayFunction, generated } from './generated.ts';
import type { RetryOptions } from './options.ts';
import { retry } from './retry.ts';
import { failing } from './test-support/failing.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** Calls whose waits, and hooks that failed, are noted. */
function retried(options: RetryOptions) {
  const policy = retry(options);
  const calls = pipeline({ clock }, policy);
  const delays: number[] = [];
  const failed: string[] = [];
  calls.on('retry', ({ delayMs }) => delays.push(delayMs));
  calls.on('hook-failed', ({ hook }) => failed.push(hook));
  return { policy, calls, delays, failed };
}

describe('a generated delay', () => {
  it('comes from attempt, error and previous delay, and is waited as it was given, without jitter', async () => {
    const error = new Error('down');
    const delayOf = vi.fn<DelayFunction>(({ attempt, previousMs }) => 10 * attempt + previousMs);
    const { calls, delays } = retried({ backoff: generated(delayOf), jitter: 'full' });
    watched(calls.execute(failing(2, error)));
    await clock.runAll();
    expect(delays).toEqual([10, 30]);
    expect(delayOf.mock.calls.map(([step]) => step)).toMatchObject([
      { attempt: 1, error, previousMs: 0 },
      { attempt: 2, error, previousMs: 10 },
    ]);
  });

  it('can be read from the result that was not acceptable, of which onRetry is told too', async () => {
    const answers = [{ status: 503, after: 70 }, { status: 200 }];
    const onRetry = vi.fn();
    const { calls, delays } = retried({
      backoff: generated(({ result }) => (result as { after: number }).after),
      retryResultIf: (answer) => (answer as { status: number }).status === 503,
      onRetry,
    });
    const call = watched(calls.execute(() => answers.shift()));
    await clock.runAll();
    expect([call.value, delays]).toEqual([{ status: 200 }, [70]]);
    const result = { status: 503, after: 70 };
    expect(onRetry.mock.calls).toEqual([[{ attempt: 1, delayMs: 70, error: undefined, result }]]);
  });

  it('may be a promise: the wait begins when it has come', async () => {
    const delay = deferred<number>();
    const { calls, delays } = retried({ backoff: generated(() => delay.promise) });
    const fn = failing(1);
    const call = watched(calls.execute(fn));
    await clock.advance(5_000);
    expect([fn.mock.calls.length, delays, clock.pendingTimers]).toEqual([1, [], 0]);
    delay.resolve(100);
    await clock.advance(99);
    expect(fn).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(call.value).toBe('item');
  });

  it('may be a promise of no delay at all, and the next attempt begins when it has come', async () => {
    const { calls, policy } = retried({ backoff: generated(async () => 0), maxAttempts: 4 });
    const fn = failing(3);
    await expect(calls.execute(fn)).resolves.toBe('item');
    expect(policy.statistics).toMatchObject({ retries: 3, totalDelayMs: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('may be a thenable that is no promise', async () => {
    const { calls, delays } = retried({ backoff: generated(() => foreignThenable(70)) });
    watched(calls.execute(failing(1)));
    await clock.runAll();
    expect(delays).toEqual([70]);
  });

  it('is never longer than its cap, nor shorter than the floor', async () => {
    const given = [100_000, 1];
    const backoff = generated(async () => given.shift(), { maxMs: 500 });
    const { calls, delays } = retried({ backoff, minMs: 20 });
    watched(calls.execute(failing(2)));
    await clock.runAll();
    expect(delays).toEqual([500, 20]);
  });

  it('is no delay that the server has named: the longest of those does not bind it', async () => {
    const { calls } = retried({ backoff: generated(async () => 500), maxRetryAfterMs: 10 });
    const named: boolean[] = [];
    calls.on('retry', ({ serverNamed }) => named.push(serverNamed));
    const call = watched(calls.execute(failing(1)));
    await clock.runAll();
    expect([call.value, named]).toEqual(['item', [false]]);
  });

  it('is capped at a minute by default', async () => {
    const { calls, delays } = retried({ backoff: generated(() => Infinity) });
    watched(calls.execute(failing(1)));
    await clock.runAll();
    expect(delays).toEqual([60_000]);
  });

  it('is not asked for where the error names its own', async () => {
    const delayOf = vi.fn<DelayFunction>(() => 10);
    const { calls, delays } = retried({ backoff: generated(delayOf) });
    watched(calls.execute(failing(1, { retryAfterMs: 200 })));
    await clock.runAll();
    expect(delays).toEqual([200]);
    expect(delayOf).not.toHaveBeenCalled();
  });

  it('that the deadline can not fit lets no attempt begin; the error is passed on as soon as it is known', async () => {
    const { calls, policy } = retried({ backoff: generated(async () => 100) });
    const reasons: string[] = [];
    calls.on('retry-given-up', ({ reason }) => reasons.push(reason));
    const error = new Error('down');
    const call = watched(calls.execute(failing(1, error), { deadlineMs: 100 }));
    await microtasks();
    expect([call.error, reasons, clock.pendingTimers]).toEqual([error, ['deadline'], 0]);
    expect(policy.statistics).toMatchObject({ calls: 1, failed: 1, retried: 0 });
  });
});

describe('a generated delay that gives none', () => {
  const otherwise = constant(40);

  it('by undefined, at once or as a promise, leaves it to the other backoff, jittered, and that is no failure', async () => {
    for (const nothing of [() => undefined, async () => undefined]) {
      const { calls, delays, failed } = retried({ backoff: generated(nothing, { otherwise }), jitter: (ms) => ms / 2 });
      watched(calls.execute(failing(1)));
      await clock.runAll();
      expect([delays, failed]).toEqual([[20], []]);
    }
  });

  const broken: readonly [string, DelayFunction][] = [
    [
      'by throwing',
      () => {
        throw new TypeError('bug');
      },
    ],
    ['by rejecting', () => Promise.reject(new TypeError('bug'))],
    ['by NaN', () => Number.NaN],
    ['by a promise of NaN', async () => Number.NaN],
    ['by a negative number', () => -1],
    ['by a word', () => '1s' as never],
    ['by a promise of a word', async () => '1s' as never],
    ['by null', () => null as never],
    ['by a thenable that can not be read', () => thenTrap() as never],
  ];
  it.each(broken)('%s leaves it to the other backoff, and tells that', async (_how, delayOf) => {
    const { calls, delays, failed } = retried({ backoff: generated(delayOf, { otherwise }), jitter: 'none' });
    const call = watched(calls.execute(failing(1)));
    await clock.runAll();
    expect([call.value, delays, failed]).toEqual(['item', [40], ['backoff']]);
  });

  it('leaves it to growing delays from a second by default', async () => {
    const { calls, delays } = retried({ backoff: generated(() => undefined), jitter: 'none' });
    watched(calls.execute(failing(2)));
    await clock.runAll();
    expect(delays).toEqual([1_000, 2_000]);
  });

  it('has the other backoff’s delays capped like its own', async () => {
    const backoff = generated(() => undefined, { maxMs: 30, otherwise });
    const { calls, delays } = retried({ backoff, jitter: 'none' });
    watched(calls.execute(failing(1)));
    await clock.runAll();
    expect(delays).toEqual([30]);
  });

  it('leaves the other backoff’s delays without jitter where that draws lots itself', async () => {
    const drawing = { maxMs: 100, jittered: true, delayMs: () => 80 };
    const { calls, delays } = retried({ backoff: generated(() => undefined, { otherwise: drawing }), jitter: () => 0 });
    watched(calls.execute(failing(1)));
    await clock.runAll();
    expect(delays).toEqual([80]);
  });

  it('waits as long as it may at most where the other backoff fails too, and tells both', async () => {
    const bug = (): never => {
      throw new TypeError('bug');
    };
    const backoff = generated(bug, { maxMs: 300, otherwise: { maxMs: 100, delayMs: bug } });
    const { calls, delays, failed } = retried({ backoff });
    watched(calls.execute(failing(1)));
    await clock.runAll();
    expect([delays, failed]).toEqual([[300], ['backoff', 'backoff']]);
  });
});

describe('while a delay is being computed', () => {
  it('an abort ends the call at once with its reason, and what comes then changes nothing', async () => {
    const controller = new AbortController();
    const delay = deferred<number>();
    const { calls, policy, delays } = retried({ backoff: generated(() => delay.promise) });
    const fn = failing(1);
    const call = watched(calls.execute(fn, { signal: controller.signal }));
    await microtasks();
    controller.abort('left');
    await microtasks(3);
    expect(call.error).toBe('left');
    delay.resolve(0);
    await clock.advance(1_000);
    expect([fn.mock.calls.length, delays, clock.pendingTimers, calls.busy]).toEqual([1, [], 0, 0]);
    expect(policy.statistics).toMatchObject({ calls: 1, failed: 1, retries: 0 });
    expect(policy.statistics.attemptsHistogram.slice(0, 2)).toEqual([1, 0]);
  });

  it('a timeout that lets a retry outside begin anew is not undone by the delay that comes then', async () => {
    const delay = deferred<number>();
    const given = [delay.promise, new Promise<number>(() => undefined)];
    const inner = retry({ backoff: generated(() => given.shift()) });
    const outer = retry({ backoff: constant(0), maxAttempts: 2 });
    const calls = pipeline({ clock }, outer, timeout({ timeoutMs: 100 }), inner);
    const fn = failing(Infinity);
    const call = watched(calls.execute(fn));
    await clock.advance(150);
    expect(fn).toHaveBeenCalledTimes(2);
    delay.resolve(0);
    await clock.advance(40);
    expect([fn.mock.calls.length, call.state, inner.statistics.retries]).toEqual([2, 'pending', 0]);
    await clock.advance(10);
    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
  });

  it('an abort in the attempt after that counts this attempt too', async () => {
    const controller = new AbortController();
    const { calls, policy } = retried({ backoff: generated(async () => 0) });
    const fn = ({ attempt }: { attempt: number }): Promise<string> =>
      attempt === 1 ? Promise.reject(new Error('down')) : new Promise(() => undefined);
    watched(calls.execute(fn, { signal: controller.signal }));
    await microtasks();
    controller.abort();
    expect(policy.statistics.attemptsHistogram.slice(0, 2)).toEqual([0, 1]);
  });

  it('an abort leaves no rejection unhandled when the computation fails later; that is told', async () => {
    const controller = new AbortController();
    const delay = deferred<number>();
    const { calls, failed } = retried({ backoff: generated(() => delay.promise) });
    const call = watched(calls.execute(failing(1), { signal: controller.signal }));
    await microtasks();
    controller.abort('left');
    delay.reject(new TypeError('late bug'));
    await microtasks();
    expect([call.error, failed]).toEqual(['left', ['backoff']]);
  });

  it.each([
    ['the deadline', { deadlineMs: 100 }, 'DEADLINE_EXCEEDED'],
    ['a timeout outside', {}, 'TIMEOUT'],
  ])('%s ends the call on time', async (_what, options, code) => {
    const backoff = generated(() => new Promise<number>(() => undefined));
    const calls = pipeline({ clock }, timeout({ timeoutMs: 200 }), retry({ backoff }));
    const call = watched(calls.execute(failing(1), options));
    await clock.advance(200);
    expect(call.error).toMatchObject({ code });
    expect(clock.pendingTimers).toBe(0);
  });

  it('and then told, a listener that ends the call has its way, and leaves no timer', async () => {
    const controller = new AbortController();
    const backoff = generated(async () => 100);
    const { calls, policy } = retried({ backoff });
    calls.on('retry', () => controller.abort('left'));
    const fn = failing(1);
    const call = watched(calls.execute(fn, { signal: controller.signal }));
    await clock.advance(0);
    expect([call.error, call.settled, clock.pendingTimers]).toEqual(['left', 1, 0]);
    await clock.advance(1_000);
    expect(fn).toHaveBeenCalledTimes(1);
    expect(policy.statistics).toMatchObject({ calls: 1, failed: 1 });
  });

  it('a listener of its giving up that ends the call leaves the call counted once', async () => {
    const controller = new AbortController();
    const { calls, policy } = retried({ backoff: generated(async () => 100), maxElapsedMs: 50 });
    calls.on('retry-given-up', () => controller.abort('left'));
    watched(calls.execute(failing(1), { signal: controller.signal }));
    await clock.advance(1_000);
    const { calls: counted, failed } = policy.statistics;
    expect([counted, failed]).toEqual([1, 1]);
  });
});

describe('the options of a generated delay', () => {
  it.each([
    [() => generated('1s' as never), 'generated.delayMs'],
    [() => generated(() => 1, { maxMs: 0 }), 'generated.maxMs'],
    [() => generated(() => 1, { otherwise: {} as never }), 'generated.otherwise'],
    [() => generated(() => 1, { jitter: 'none' } as never), 'generated.jitter'],
  ])('are refused where they can not be meant (%#)', (make, path) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', faults: [expect.objectContaining({ path })] }),
    );
  });

  it('are fixed once it is made', () => {
    const backoff = generated(() => 1, { maxMs: 5 });
    expect(Object.isFrozen(backoff)).toBe(true);
    expect(backoff).toMatchObject({ maxMs: 5, jittered: true });
  });
});
