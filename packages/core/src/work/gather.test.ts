import { describe, expect, expectTypeOf, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { type Gathered, gatherWithTimeout } from './index.ts';

function setUp() {
  const clock = new VirtualClock();
  const after = <T>(ms: number, value: T): Promise<T> =>
    new Promise((resolve) => void clock.setTimer(ms, () => resolve(value)));
  return { clock, after };
}

describe('gatherWithTimeout', () => {
  it('gives results and errors in the order given, not in that of completion', async () => {
    const { clock, after } = setUp();
    const down = new Error('down');
    const gathering = gatherWithTimeout(
      [
        () => after(20, 'slow'),
        function stock() {
          return Promise.reject(down);
        },
        () => 3,
      ],
      { clock },
    );
    await clock.advance(20);
    const results = await gathering;
    expectTypeOf(results).toEqualTypeOf<[Gathered<string>, Gathered<never>, Gathered<number>]>();
    expect(results).toEqual([
      { ok: true, name: '#0', value: 'slow' },
      { ok: false, name: 'stock', error: down },
      { ok: true, name: '#2', value: 3 },
    ]);
    expect(results[1]).toMatchObject({ error: down });
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives a record for a record', async () => {
    const results = await gatherWithTimeout({ user: () => 'Ada', orders: async () => 3 });
    expectTypeOf(results).toEqualTypeOf<{ user: Gathered<string>; orders: Gathered<number> }>();
    expect(results).toEqual({
      user: { ok: true, name: 'user', value: 'Ada' },
      orders: { ok: true, name: 'orders', value: 3 },
    });
    expect(await gatherWithTimeout({ user: () => 'Ada' }, { returnErrors: false })).toEqual({ user: 'Ada' });
  });

  it('aborts and names what is late after 30 s, and leaves alone what has ended', async () => {
    const { clock, after } = setUp();
    const signals: Record<string, AbortSignal> = {};
    const task =
      (name: string, ms: number) =>
      ({ signal }: { readonly signal: AbortSignal }) => {
        signals[name] = signal;
        return after(ms, name);
      };
    const gathering = watched(gatherWithTimeout({ quick: task('quick', 10), slow: task('slow', 40_000) }, { clock }));
    await clock.advance(29_999);
    expect(gathering.state).toBe('pending');
    await clock.advance(1);
    expect(gathering.value!.quick).toEqual({ ok: true, name: 'quick', value: 'quick' });
    const { slow } = gathering.value!;
    expect(slow).toMatchObject({ ok: false, error: { code: 'GATHER_TIMEOUT', category: 'timeout', late: ['slow'] } });
    expect([signals['quick']!.aborted, signals['slow']!.reason]).toEqual([false, slow.ok ? undefined : slow.error]);
    await clock.runAll();
  });

  it('with returnErrors false rejects at the first failure, aborts the others, and ignores what they say later', async () => {
    const { clock, after } = setUp();
    let reason: unknown;
    const other = async ({ signal }: { readonly signal: AbortSignal }) => {
      signal.addEventListener('abort', () => (reason = signal.reason));
      await after(50, 0);
      throw new Error('later');
    };
    const failing = async () => {
      await after(10, 0);
      throw new Error('first');
    };
    const gathering = watched(gatherWithTimeout([other, failing], { clock, returnErrors: false }));
    await clock.advance(10);
    expect(gathering.error).toMatchObject({ message: 'first' });
    expect(reason).toBe(gathering.error);
    await clock.runAll();
  });

  it('with returnErrors false names all that are late in one error', async () => {
    const { clock, after } = setUp();
    const tasks = { a: () => after(5, 1), b: () => after(500, 2), c: () => after(900, 3) };
    const gathering = watched(gatherWithTimeout(tasks, { clock, returnErrors: false, timeoutMs: 100 }));
    await clock.advance(100);
    expect(gathering.error).toMatchObject({ late: ['b', 'c'], message: 'no result within 100 ms of b, c' });
    await clock.runAll();
  });

  it('ends at once when its caller aborts, and lets go of the signal', async () => {
    const { clock, after } = setUp();
    const { controller, signal, ...counted } = countedController();
    const gathering = watched(gatherWithTimeout([() => after(10, 1)], { clock, signal }));
    controller.abort('left');
    await microtasks();
    expect([gathering.error, counted.listening, clock.pendingTimers]).toEqual(['left', 0, 1]);
    let started = false;
    expect(await rejection(gatherWithTimeout([() => (started = true)], { clock, signal }))).toBe('left');
    expect(started).toBe(false);
    await clock.runAll();
  });

  it('starts no further task when one of them aborts the signal that all hang on', async () => {
    const { clock } = setUp();
    const controller = new AbortController();
    const started: string[] = [];
    const first = () => {
      started.push('first');
      controller.abort('left');
    };
    const second = () => started.push('second');
    expect(await rejection(gatherWithTimeout([first, second], { clock, signal: controller.signal }))).toBe('left');
    expect([started, clock.pendingTimers]).toEqual([['first'], 0]);
  });

  it('gives nothing for nothing, and refuses what is no function and options that can not be meant', async () => {
    expect(await gatherWithTimeout([])).toEqual([]);
    expect(await rejection(gatherWithTimeout({ user: 1 as never }))).toMatchObject({ code: 'CONFIGURATION' });
    expect(await rejection(gatherWithTimeout([], { timeoutMs: 0 }))).toMatchObject({ code: 'CONFIGURATION' });
  });
});
