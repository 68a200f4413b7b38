/** One abort, or one moment in time, ends many calls that wait for a permit: none of them is begun by the end of another. */
import {
  adaptiveConcurrency,
  bulkhead,
  circuitBreaker,
  constant,
  type ExecutionContext,
  fallback,
  type CallOptions,
  hedge,
  keyed,
  pipeline,
  type Pipeline,
  type Policy,
  retry,
  timeout,
} from 'breakwater';
import { VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CoalescingClock } from '../../src/testing/test-support/coalescing-clock.ts';
import { deferred, microtasks, type Watched, watched } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const never = (): Promise<string> => new Promise(() => undefined);
const gate = () => bulkhead({ maxConcurrent: 1, maxQueue: 1_000 });

/** A hundred calls at once, and how many of them have come to their function. */
function hundred(calls: Pick<Pipeline, 'execute'>, options?: CallOptions) {
  const fn = vi.fn(never);
  const all = Array.from({ length: 100 }, () => watched(calls.execute(fn, options)));
  return {
    begun: () => fn.mock.calls.length,
    ended: () => all.filter(({ state }) => state === 'rejected').length,
    errors: () => new Set(all.map(({ error }) => (error as { code?: string } | undefined)?.code ?? error)),
  };
}

describe('of a hundred calls at a bulkhead for one, the first alone is begun', () => {
  it('when one signal ends them all', async () => {
    const controller = new AbortController();
    const permits = gate();
    const calls = pipeline({ clock }, permits);
    const all = hundred(calls, { signal: controller.signal });
    controller.abort('left');
    await microtasks();
    expect([all.begun(), all.ended(), [...all.errors()]]).toEqual([1, 100, ['left']]);
    expect([calls.busy, clock.pendingTimers]).toEqual([1, 0]);
    expect(permits.statistics).toMatchObject({ running: 0, queued: 0, admitted: 1, withdrawn: 99 });
  });

  it.each<[what: string, code: string, policies: () => Policy[], options?: CallOptions]>([
    ['a timeout outside', 'TIMEOUT', () => [timeout({ timeoutMs: 100 }), gate()]],
    ['a cooperative one', 'TIMEOUT', () => [timeout({ timeoutMs: 100, mode: 'cooperative' }), gate()]],
    ['one for each key', 'TIMEOUT', () => [keyed(() => timeout({ timeoutMs: 100 })), gate()]],
    [
      'a timeout around keyed breakers',
      'TIMEOUT',
      () => [timeout({ timeoutMs: 100 }), keyed(() => circuitBreaker()), gate()],
    ],
    ['a timeout around a keyed bulkhead', 'TIMEOUT', () => [timeout({ timeoutMs: 100 }), keyed(gate)]],
    ['a timeout around a pipeline', 'TIMEOUT', () => [timeout({ timeoutMs: 100 }), pipeline({ clock }, gate())]],
    ['a timeout around a hedge', 'TIMEOUT', () => [timeout({ timeoutMs: 100 }), hedge({ delayMs: 500 }), gate()]],
    ['the deadline', 'DEADLINE_EXCEEDED', () => [gate()], { deadlineMs: 100 }],
    [
      'a timeout around a limit that adapts',
      'TIMEOUT',
      () => [timeout({ timeoutMs: 100 }), adaptiveConcurrency({ initialLimit: 1, maxQueue: 1_000 })],
    ],
  ])('when the time of all is up by %s', async (_what, code, policies, options) => {
    const calls = pipeline({ clock }, ...policies());
    const all = hundred(calls, options);
    await clock.advance(99);
    expect([all.begun(), all.ended()]).toEqual([1, 0]);
    await clock.advance(1);
    expect(all.begun()).toBe(1);
    // A function that runs is waited for where the timeout is cooperative.
    expect(all.ended()).toBeGreaterThanOrEqual(99);
    expect(all.errors()).toContain(code);
    expect(clock.pendingTimers).toBe(0);
  });

  it('when their time is up on a clock that is read now and then', async () => {
    const coalescing = new CoalescingClock();
    const all = hundred(pipeline({ clock: coalescing }, timeout({ timeoutMs: 640 }), gate()));
    await coalescing.virtual.advance(700);
    expect([all.begun(), all.ended()]).toEqual([1, 100]);
  });

  it('when the call that they are part of is aborted, or runs out of time', async () => {
    const controller = new AbortController();
    for (const options of [{ signal: controller.signal }, { deadlineMs: 100 }]) {
      const outer = pipeline({ clock });
      const inner = pipeline({ clock }, gate());
      let all: ReturnType<typeof hundred> | undefined;
      const whole = watched(
        outer.execute((parent) => {
          all = hundred(inner, { parent });
          return never();
        }, options),
      );
      if (options.signal === undefined) await clock.advance(100);
      else controller.abort('left');
      await microtasks();
      expect([whole.state, all!.begun(), all!.ended()]).toEqual(['rejected', 1, 100]);
    }
  });
});

describe('a call that waits for a permit and has outlived the one that it is part of', () => {
  it('still gets its permit, though the time of that one would be up by then', async () => {
    const held = deferred();
    const inner = pipeline({ clock }, gate());
    watched(inner.execute(() => held.promise));
    let child: Watched<string> | undefined;
    const outer = pipeline({ clock }, timeout({ timeoutMs: 100 }));
    await outer.execute((parent) => void (child = watched(inner.execute(() => 'child', { parent }))));
    await clock.advance(500);
    held.resolve('done');
    await microtasks();
    expect(child).toMatchObject({ value: 'child' });
  });

  it('gets it also when that one ends in the very moment, and has no run any more to be aborted with', async () => {
    const permits = gate();
    const inner = pipeline({ clock }, permits);
    const fn = vi.fn(never);
    // Its time is up first, which sets the permit free.
    watched(pipeline({ clock }, timeout({ timeoutMs: 100 }), permits).execute(fn));
    let child: Watched<string> | undefined;
    const outer = pipeline({ clock }, timeout({ timeoutMs: 100 }), retry({ backoff: constant(0), maxAttempts: 2 }));
    const whole = watched(
      outer.execute((parent) => {
        if (child !== undefined) return never();
        child = watched(inner.execute(() => 'child', { parent }));
        throw new Error('the first attempt');
      }),
    );
    await clock.advance(100);
    expect([whole.state, child?.value, permits.running, permits.queued]).toEqual(['rejected', 'child', 0, 0]);
  });
});

describe('code that waits for a permit', () => {
  it('gets none from the very abort that ends it', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const permits = gate();
    watched(pipeline({ clock }, permits).execute(never, { signal }));
    const waiting = [1, 2].map(() => watched(permits.acquire({ signal })));
    const another = watched(permits.acquire());
    controller.abort('left');
    await microtasks();
    expect(waiting.map(({ error }) => error)).toEqual(['left', 'left']);
    expect([another.state, permits.running, permits.queued]).toEqual(['fulfilled', 1, 0]);
  });
});

const limit = () => timeout({ timeoutMs: 100, mode: 'cooperative' });
const stopped = ({ signal }: ExecutionContext): Promise<string> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')));
  });

describe('what begins when a cooperative timeout has fired already', () => {
  it('is a fallback whose signal is aborted from the beginning: what it gives all the same counts', async () => {
    const seen: unknown[] = [];
    const run = (_error: unknown, { signal }: ExecutionContext): string => {
      seen.push([signal.aborted, (signal.reason as Error).name]);
      return 'substitute';
    };
    const call = watched(pipeline({ clock }, limit(), fallback({ run })).execute(stopped));
    await clock.advance(100);
    expect([call.value, seen]).toEqual(['substitute', [[true, 'TimeoutError']]]);
  });

  it('is no other run of a policy of one’s own', async () => {
    const again: Policy = { kind: 'again', around: (_context, next) => next().catch(() => next()) };
    const fn = vi.fn(stopped);
    const call = watched(pipeline({ clock }, limit(), again).execute(fn));
    await clock.advance(100);
    expect(fn).toHaveBeenCalledTimes(1);
    expect(call.error).toMatchObject({ code: 'TIMEOUT', cause: { name: 'TimeoutError' } });
  });
});

describe('a cooperative timeout around a hedge', () => {
  it('lets no attempt begin once its time is up, by a failure or by the delay', async () => {
    for (const options of [{ delayMs: 'on-failure' }, { delayMs: 150 }, { delayMs: 0 }] as const) {
      const fn = vi.fn(stopped);
      const call = watched(pipeline({ clock }, limit(), hedge({ ...options, maxAttempts: 3 })).execute(fn));
      await clock.advance(1_000);
      expect(fn).toHaveBeenCalledTimes(options.delayMs === 0 ? 3 : 1);
      expect(call.error).toMatchObject({ code: 'TIMEOUT', cause: { message: 'stopped' } });
      expect(clock.pendingTimers).toBe(0);
    }
  });

  it('waits for the attempts that run, and gives up those that only wait for a permit', async () => {
    const permits = gate();
    const calls = pipeline({ clock }, limit(), hedge({ delayMs: 10 }), permits);
    const fn = vi.fn(stopped);
    const call = watched(calls.execute(fn));
    await clock.advance(50);
    expect([permits.running, permits.queued]).toEqual([1, 1]);
    await clock.advance(50);
    expect([fn.mock.calls.length, permits.running, permits.queued, clock.pendingTimers]).toEqual([1, 0, 0, 0]);
    expect(call.error).toMatchObject({ code: 'TIMEOUT', cause: { message: 'stopped' } });
  });

  it('gives up those too that a permit has passed by in the very moment', async () => {
    const permits = bulkhead({ maxConcurrent: 2, maxQueue: 9 });
    watched(pipeline({ clock }, timeout({ timeoutMs: 100 }), permits).execute(never));
    const fn = vi.fn(stopped);
    const call = watched(pipeline({ clock }, limit(), hedge({ delayMs: 10 }), permits).execute(fn));
    await clock.advance(100);
    expect([call.state, fn.mock.calls.length, permits.running, permits.queued]).toEqual(['rejected', 1, 0, 0]);
  });

  it('gives up the wait of a retry in one attempt while another runs', async () => {
    const calls = pipeline(
      { clock },
      limit(),
      hedge({ delayMs: 10 }),
      retry({ backoff: constant(500), jitter: 'none' }),
    );
    const fn = vi.fn((context: ExecutionContext) =>
      context.attempt === 1 ? Promise.reject(new Error('down')) : stopped(context),
    );
    const call = watched(calls.execute(fn));
    await clock.advance(100);
    expect([call.state, fn.mock.calls.length, clock.pendingTimers]).toEqual(['rejected', 2, 0]);
  });
});
