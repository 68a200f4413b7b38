import { bulkhead, circuitBreaker, fallback, hedge, pipeline, retry, timeout } from 'breakwater';
import { describe, expect, it, vi } from 'vitest';
import { CoalescingClock } from '../../src/testing/test-support/coalescing-clock.ts';
import { countedController } from '../../src/testing/test-support/counted-signal.ts';

const load = async (): Promise<string> => 'item';
const CALLS = 1_000;

function all(clock: CoalescingClock) {
  return pipeline(
    { clock },
    timeout({ timeoutMs: 10_000 }),
    fallback({ value: 'none' }),
    retry(),
    circuitBreaker(),
    bulkhead({ maxConcurrent: Infinity }),
    timeout({ timeoutMs: 2_000 }),
  );
}

describe('a thousand calls under all five policies', () => {
  it('one after the other set one timer for timeouts and one for the recent time, and read the clock for those', async () => {
    const clock = new CoalescingClock();
    const calls = all(clock);
    clock.readings = 0;
    for (let n = 0; n < CALLS; n++) await calls.execute(load);
    expect(clock.timersSet).toBeLessThanOrEqual(3);
    expect(clock.readings).toBeLessThanOrEqual(4);
  });

  it('at once set no more, and none is left when they have ended', async () => {
    const clock = new CoalescingClock();
    const calls = all(clock);
    clock.readings = 0;
    await Promise.all(Array.from({ length: CALLS }, () => calls.execute(load)));
    expect(clock.timersSet).toBeLessThanOrEqual(3);
    expect(clock.readings).toBeLessThanOrEqual(4);
    await clock.virtual.advance(60_000);
    expect(clock.virtual.pendingTimers).toBe(0);
  });

  it.each([
    ['timeout', () => timeout({ timeoutMs: 2_000 }), 1],
    ['retry', () => retry(), 0],
    ['bulkhead', () => bulkhead(), 0],
    ['fallback', () => fallback({ value: 'none' }), 0],
    ['hedge', () => hedge(), 1],
  ] as const)('of which one is %s read the clock no more than once in all', async (_name, make, readings) => {
    const clock = new CoalescingClock();
    const calls = pipeline({ clock }, make());
    await calls.execute(load);
    clock.readings = 0;
    for (let n = 0; n < CALLS; n++) await calls.execute(load);
    expect(clock.readings).toBeLessThanOrEqual(readings);
  });
});

describe('an AbortController', () => {
  it('is made for no call whose function does not read its signal, whatever ends it', async () => {
    const made = vi.fn();
    const Real = globalThis.AbortController;
    vi.stubGlobal(
      'AbortController',
      class extends Real {
        constructor() {
          super();
          made();
        }
      },
    );
    const { controller, signal } = countedController();
    made.mockClear();
    const clock = new CoalescingClock();
    const calls = all(clock);
    for (let n = 0; n < 10; n++) await calls.execute(load, { signal, deadlineMs: 1_000 });
    const never = pipeline({ clock }, timeout({ timeoutMs: 100 })).tryExecute(() => new Promise(() => undefined));
    await clock.virtual.advance(1_000);
    expect(await never).toMatchObject({ error: { code: 'TIMEOUT' } });
    const aborted = calls.tryExecute(() => new Promise(() => undefined), { signal });
    controller.abort();
    expect(await aborted).toMatchObject({ ok: false });
    expect(made).toHaveBeenCalledTimes(0);
    await calls.execute((context) => context.signal.aborted);
    expect(made).toHaveBeenCalledTimes(1);
  });
});

describe('forty thousand calls on one signal', () => {
  it('add one listener to it, and abort in no time that grows with their square', async () => {
    const controller = new AbortController();
    const clock = new CoalescingClock();
    const calls = all(clock);
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: Infinity });
    const queued = pipeline({ clock }, gate);
    const { signal } = controller;
    const running = Array.from({ length: 20_000 }, () =>
      calls.tryExecute(() => new Promise(() => undefined), { signal }),
    );
    const waiting = Array.from({ length: 20_000 }, () =>
      queued.tryExecute(() => new Promise(() => undefined), { signal }),
    );
    controller.abort(new Error('left'));
    const outcomes = await Promise.all([...running, ...waiting]);
    expect(outcomes.every(({ ok }) => !ok)).toBe(true);
    expect([gate.running, gate.queued]).toEqual([0, 0]);
  });

  it('add it once, and take it away once', async () => {
    const counted = countedController();
    const calls = pipeline(bulkhead({ maxConcurrent: Infinity }));
    const ends: (() => void)[] = [];
    const running = Array.from({ length: 40_000 }, () =>
      calls.execute(() => new Promise<void>((resolve) => ends.push(resolve)), { signal: counted.signal }),
    );
    expect([counted.added, counted.listening]).toEqual([1, 1]);
    for (const end of ends) end();
    await Promise.all(running);
    expect([counted.added, counted.listening]).toEqual([1, 0]);
  });
});
