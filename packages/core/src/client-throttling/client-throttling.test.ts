import { beforeEach, describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { type Random, seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { CoalescingClock } from '../testing/test-support/coalescing-clock.ts';
import { microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { clientThrottling } from './client-throttling.ts';
import type { ClientThrottlingOptions } from './options.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const never = (): Promise<string> => new Promise(() => undefined);
const item = async (): Promise<string> => 'item';
const overloaded = (): Promise<string> => Promise.reject(Object.assign(new Error('busy'), { status: 503 }));
/** Draws what it is told to. */
const drawing = (draw: number): Random => ({ next: () => draw });
const [always, hardlyEver] = [drawing(0), drawing(0.999_999)];

function throttled(options: ClientThrottlingOptions = {}) {
  const policy = clientThrottling({ clock, ...options });
  const calls = pipeline({ name: 'api' }, policy);
  const ask = async (fn: () => unknown, times = 1) => {
    const outcomes = [];
    for (let n = 0; n < times; n++) outcomes.push(await calls.tryExecute(fn));
    return outcomes;
  };
  return { policy, calls, ask };
}

describe('client throttling', () => {
  it('refuses nothing while the upstream accepts at least half of what it is asked', async () => {
    const { policy, ask } = throttled({ random: always });
    for (let n = 0; n < 50; n++) {
      expect((await ask(item))[0]).toMatchObject({ ok: true });
      expect((await ask(overloaded))[0]).toMatchObject({ ok: false, error: { status: 503 } });
    }
    expect([policy.requests, policy.accepts, policy.rejectionRatio]).toEqual([100, 50, 0]);
  });

  it('refuses with the probability (requests − K · accepts) / (requests + 1)', async () => {
    const { policy, ask } = throttled({ random: hardlyEver });
    expect(policy.rejectionRatio).toBe(0);
    await ask(overloaded);
    expect(policy.rejectionRatio).toBe(1 / 2);
    await ask(overloaded, 8);
    expect(policy.rejectionRatio).toBe(9 / 10);
    await ask(item);
    expect(policy.rejectionRatio).toBe((10 - 2) / 11);
    const patient = throttled({ k: 1.1, random: hardlyEver });
    await patient.ask(item, 10);
    await patient.ask(overloaded, 2);
    expect(patient.policy.rejectionRatio).toBeCloseTo((12 - 11) / 13, 12);
  });

  it('compares that probability with one random number: below it is a refusal', async () => {
    const draws = [0.49, 0.5];
    const { policy, ask } = throttled({ random: { next: () => draws.shift()! } });
    await ask(overloaded);
    const fn = vi.fn(item);
    const [refused] = await ask(fn);
    expect(refused).toMatchObject({
      ok: false,
      attempts: 0,
      error: {
        name: 'ClientThrottledError',
        code: 'CLIENT_THROTTLED',
        category: 'rate_limit',
        policy: 'client-throttling',
        details: { rejectionRatio: 0.5 },
        message: 'the upstream accepts too few calls: 50 % of them are not sent (client-throttling)',
      },
    });
    expect([fn.mock.calls.length, policy.requests, policy.accepts]).toEqual([0, 2, 0]);
    // The refusal is a request that was not accepted: 2 / 3 now.
    expect(policy.rejectionRatio).toBe(2 / 3);
    draws.unshift(0.67);
    expect((await ask(fn))[0]).toMatchObject({ ok: true });
    expect(draws).toEqual([0.5]);
  });

  it('draws no number when nothing would be refused', async () => {
    const next = vi.fn(() => 0);
    const { ask } = throttled({ random: { next } });
    await ask(item, 10);
    expect(next).not.toHaveBeenCalled();
  });

  it('sends an upstream that is down ever less, and all again some windows after it is back', async () => {
    const { policy, ask } = throttled({ random: seededRandom(7), windowMs: 10_000 });
    const asked = vi.fn(overloaded);
    const play = async (fn: () => unknown, windows: number) => {
      for (let n = 0; n < windows * 100; n++) {
        await clock.advance(100);
        await ask(fn);
      }
    };
    await play(asked, 5);
    expect(asked.mock.calls.length).toBeLessThan(30);
    expect(policy.rejectionRatio).toBeGreaterThan(0.95);
    await play(item, 6);
    expect([policy.rejectionRatio, policy.accepts]).toEqual([0, policy.requests]);
  });

  it('finds sooner that an upstream is back where the probability has a bound', async () => {
    const untilBack = async (maxRejectionRatio: number): Promise<number> => {
      const time = new VirtualClock();
      const policy = clientThrottling({ clock: time, random: seededRandom(7), windowMs: 10_000, maxRejectionRatio });
      const calls = pipeline(policy);
      const step = async (fn: () => unknown) => {
        await time.advance(10);
        await calls.tryExecute(fn);
      };
      for (let n = 0; n < 2_000; n++) await step(overloaded);
      expect(policy.rejectionRatio).toBeLessThanOrEqual(maxRejectionRatio);
      const since = time.now();
      while (policy.rejectionRatio > 0) await step(item);
      return time.now() - since;
    };
    expect(await untilBack(0.8)).toBeLessThan((await untilBack(1)) / 2);
  });

  it('forgets by time, also when nobody asks', async () => {
    const { policy, ask } = throttled({ random: hardlyEver });
    await ask(overloaded, 100);
    await clock.advance(116_999);
    expect(policy.requests).toBe(100);
    await clock.advance(3_001);
    expect([policy.requests, policy.accepts, policy.rejectionRatio]).toEqual([0, 0, 0]);
  });

  it('counts a call when its outcome is known, and not while it is under way', async () => {
    const { policy, calls } = throttled({ random: always });
    const controller = new AbortController();
    const running = watched(calls.execute(never, { signal: controller.signal }));
    await microtasks();
    expect([policy.requests, policy.rejectionRatio]).toEqual([0, 0]);
    controller.abort('left');
    await microtasks();
    expect([running.error, policy.requests]).toEqual(['left', 0]);
  });

  it('does not count a call that was refused before it reached the upstream, at a first attempt or a later one', async () => {
    const gate = bulkhead({ maxConcurrent: 1 });
    const policy = clientThrottling({ random: hardlyEver });
    const permit = gate.tryAcquire();
    expect(await rejection(pipeline({ clock }, policy, gate).execute(item))).toMatchObject({ code: 'BULKHEAD_FULL' });
    expect(policy.requests).toBe(0);
    permit!.release();
    const again = retry({ maxAttempts: 2, backoff: constant(0) });
    const calls = pipeline({ clock }, again, policy, gate);
    calls.on('retry', () => gate.tryAcquire());
    const call = watched(calls.execute(overloaded));
    await clock.advance(1);
    expect([(call.error as { code: string }).code, policy.requests]).toEqual(['BULKHEAD_FULL', 1]);
  });

  it('counts each attempt of a retry outside it, and knows them apart', async () => {
    const policy = clientThrottling({ random: hardlyEver });
    const again = retry({ maxAttempts: 3, backoff: constant(0) });
    const call = watched(pipeline({ clock }, again, policy).execute(overloaded));
    await clock.advance(10);
    expect([call.state, policy.requests, policy.accepts]).toEqual(['rejected', 3, 0]);
  });

  it('counts a call that ran out of time as not accepted, inside or outside; one that failed otherwise as accepted', async () => {
    const policy = clientThrottling({ random: hardlyEver });
    watched(pipeline({ clock }, policy, timeout({ timeoutMs: 10 })).execute(never));
    watched(pipeline({ clock }, timeout({ timeoutMs: 20 }), policy).execute(never));
    await clock.advance(20);
    expect([policy.requests, policy.accepts]).toEqual([2, 0]);
    await rejection(pipeline({ clock }, policy).execute(() => Promise.reject(new Error('not found'))));
    expect([policy.requests, policy.accepts]).toEqual([3, 1]);
  });

  it('asks its own condition where one is given, and takes a call for accepted that it fails on', async () => {
    const refusedIf = (error: unknown): boolean => {
      if ((error as Error).message === 'odd') throw new TypeError('bug');
      return (error as Error).message === 'no';
    };
    const { policy, calls } = throttled({ random: hardlyEver, refusedIf });
    const failed = vi.fn();
    calls.on('hook-failed', failed);
    for (const message of ['no', 'odd', 'other'])
      await rejection(calls.execute(() => Promise.reject(new Error(message))));
    expect([policy.requests, policy.accepts]).toEqual([3, 2]);
    expect(failed).toHaveBeenCalledTimes(1);
    expect(failed).toHaveBeenCalledWith(expect.objectContaining({ policy: 'client-throttling', hook: 'refusedIf' }));
  });

  it('tells whom it refuses, with what it went by', async () => {
    const { calls, ask } = throttled({ random: always, name: 'spare' });
    const told: unknown[] = [];
    calls.on('client-throttled', ({ policy: by, rejectionRatio, requests, accepts }) =>
      told.push([by, rejectionRatio, requests, accepts]),
    );
    await ask(item);
    await ask(overloaded, 2);
    await ask(item);
    expect(told).toEqual([['spare', 1 / 4, 3, 1]]);
  });

  it('asks for the recent time only, on a clock where that saves readings', async () => {
    const coalescing = new CoalescingClock();
    const policy = clientThrottling();
    const calls = pipeline({ clock: coalescing }, policy);
    coalescing.readings = 0;
    for (let n = 0; n < 1_000; n++) await calls.execute(item);
    expect(coalescing.readings).toBeLessThanOrEqual(1);
    expect(policy.accepts).toBe(1_000);
  });

  it.each([{ k: 0.9 }, { windowMs: 0 }, { maxRejectionRatio: 0 }, { refusedIf: 'no' }, { K: 2 }])(
    'refuses %o',
    (options) => {
      expect(() => clientThrottling(options as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
    },
  );
});
