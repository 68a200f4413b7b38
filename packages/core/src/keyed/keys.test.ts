import { beforeEach, describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { type HookPolicy, WAIT } from '../policy/policy.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { keyed } from './keyed.ts';
import { breakerOf, down, item, never, passing } from './test-support/keyed-calls.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

describe('the keys of a keyed policy', () => {
  it('are forgotten when they were idle for as long as is said, at the next call, without a timer', async () => {
    const gates = keyed(() => bulkhead(), { idleMs: 1_000 });
    const calls = pipeline({ clock }, gates);
    const evicted: unknown[] = [];
    gates.events.on('key-evicted', ({ policy, key, reason, pipeline: by, timestamp }) =>
      evicted.push([policy, key, reason, by, timestamp]),
    );
    await calls.execute(item, { key: 'a' });
    const first = gates.get('a');
    await clock.advance(999);
    await calls.execute(item, { key: 'b' });
    expect([gates.get('a'), clock.pendingTimers]).toEqual([first, 0]);
    await clock.advance(1);
    await calls.execute(item, { key: 'b' });
    expect([...gates].map(([key]) => key)).toEqual(['b']);
    expect(evicted).toEqual([['keyed', 'a', 'idle', undefined, clock.wallTime()]]);
    await calls.execute(item, { key: 'a' });
    expect(gates.get('a')).not.toBe(first);
  });

  it('are forgotten two at a call, so that no call pays for many', async () => {
    const gates = keyed(() => bulkhead(), { idleMs: 1_000 });
    const calls = pipeline({ clock }, gates);
    for (let n = 0; n < 10; n++) await calls.execute(item, { key: `${n}` });
    await clock.advance(1_000);
    const sizes: number[] = [];
    for (let n = 0; n < 6; n++) {
      await calls.execute(item, { key: 'busy' });
      sizes.push(gates.size);
    }
    expect(sizes).toEqual([9, 7, 5, 3, 1, 1]);
  });

  it('are 10,000 at most by default, for ten minutes each', async () => {
    const gates = keyed(() => passing());
    const calls = pipeline({ clock }, gates);
    for (let n = 0; n < 10_001; n++) await calls.execute(() => n, { key: `${n}` });
    expect([gates.size, gates.get('0'), gates.get('1') === undefined]).toEqual([10_000, undefined, false]);
    await clock.advance(599_999);
    await calls.execute(item, { key: '1' });
    expect(gates.size).toBe(10_000);
    await clock.advance(1);
    await calls.execute(item, { key: '1' });
    expect(gates.size).toBe(9_998);
  });

  it('are told that they are not used any more when they are forgotten, and what they do between calls ends', async () => {
    const healthProbe = { check: () => true, intervalMs: 10_000 };
    const breakers = keyed(() => circuitBreaker({ trip: consecutive(1), breakMs: 100, healthProbe }), { maxKeys: 1 });
    const calls = pipeline({ clock }, breakers);
    await rejection(calls.execute(down, { key: 'a' }));
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(100);
    await calls.execute(item, { key: 'b' });
    expect([[...breakers].map(([key]) => key), clock.pendingTimers]).toEqual([['b'], 0]);
  });

  it('make room for others by the longest unused', async () => {
    const gates = keyed(() => bulkhead(), { maxKeys: 2 });
    const calls = pipeline({ clock }, gates);
    const evicted: unknown[] = [];
    calls.on('key-evicted', ({ key, reason }) => evicted.push([key, reason]));
    for (const key of ['a', 'b', 'a', 'c', 'b']) await calls.execute(item, { key });
    expect([...gates].map(([key]) => key)).toEqual(['c', 'b']);
    expect(evicted).toEqual([
      ['b', 'full'],
      ['a', 'full'],
    ]);
  });

  it('stay while a call runs under them, however long, and whoever else comes', async () => {
    const gates = keyed(() => bulkhead(), { maxKeys: 2, idleMs: 1_000 });
    const calls = pipeline({ clock }, gates);
    const answer = deferred();
    const running = watched(calls.execute(() => answer.promise, { key: 'running' }));
    const policy = gates.get('running');
    await clock.advance(5_000);
    for (let n = 0; n < 50; n++) await calls.execute(item, { key: `fresh ${n}` });
    expect([gates.get('running'), gates.size]).toEqual([policy, 2]);
    answer.resolve('item');
    await microtasks();
    expect(running.value).toBe('item');
    await calls.execute(item, { key: 'fresh 49' });
    await calls.execute(item, { key: 'fresh 50' });
    expect(gates.get('running')).toBeUndefined();
  });

  it('stay while a call waits under them, and are free again when it is aborted', async () => {
    const gates = keyed(() => bulkhead({ maxConcurrent: 1, maxQueue: 1 }), { maxKeys: 1 });
    const calls = pipeline({ clock }, gates);
    const permit = (await calls.execute(() => gates.get('a')!.tryAcquire(), { key: 'a' })) as
      | { release(): void }
      | undefined;
    expect(permit).toBeUndefined();
    const held = gates.get('a')!.tryAcquire()!;
    const controller = new AbortController();
    const waiting = watched(calls.execute(item, { key: 'a', signal: controller.signal }));
    held.release();
    await microtasks();
    expect(waiting.value).toBe('item');
    const again = gates.get('a')!.tryAcquire()!;
    const aborted = watched(calls.execute(item, { key: 'a', signal: controller.signal }));
    expect(await rejection(calls.execute(item, { key: 'b' }))).toMatchObject({ code: 'KEYS_EXHAUSTED' });
    controller.abort('left');
    again.release();
    await microtasks();
    expect(aborted.error).toBe('left');
    await expect(calls.execute(item, { key: 'b' })).resolves.toBe('item');
  });

  it('stay while their circuit has to be open, and no longer', async () => {
    const breakers = keyed(breakerOf, { maxKeys: 2, idleMs: 100 });
    const calls = pipeline({ clock }, breakers);
    await rejection(calls.execute(down, { key: 'down' }));
    for (let n = 0; n < 20; n++) {
      await clock.advance(49);
      await calls.execute(item, { key: `fresh ${n}` });
    }
    expect([breakers.get('down')?.state, breakers.size]).toEqual(['open', 2]);
    await clock.advance(20);
    await calls.execute(item, { key: 'fresh 20' });
    await calls.execute(item, { key: 'fresh 21' });
    expect(breakers.get('down')).toBeUndefined();
  });

  it('stay while somebody has isolated their circuit', async () => {
    const breakers = keyed(breakerOf, { maxKeys: 1 });
    const calls = pipeline({ clock }, breakers);
    await calls.execute(item, { key: 'a' });
    const release = breakers.get('a')!.isolate('maintenance');
    const refused = vi.fn();
    calls.on('key-refused', refused);
    expect(await rejection(calls.execute(item, { key: 'b' }))).toMatchObject({
      name: 'KeysExhaustedError',
      code: 'KEYS_EXHAUSTED',
      category: 'bulkhead',
      policy: 'keyed',
      details: { maxKeys: 1 },
      message: '1 keys are in use, and there is no room for another (keyed)',
    });
    expect(refused).toHaveBeenCalledWith(
      expect.objectContaining({ policy: 'keyed', key: 'b', maxKeys: 1, outcome: 'refused' }),
    );
    release();
    await expect(calls.execute(item, { key: 'b' })).resolves.toBe('item');
  });

  it('are not searched without end for one that may go', async () => {
    const looked = vi.fn(() => true);
    const policies = keyed(() => Object.defineProperty(passing(), 'isBusy', { get: looked }), { maxKeys: 3_000 });
    const calls = pipeline({ clock }, policies);
    for (let n = 0; n < 3_000; n++) await calls.execute(() => n, { key: `${n}` });
    expect(looked).not.toHaveBeenCalled();
    expect(await rejection(calls.execute(item, { key: 'one more' }))).toMatchObject({ code: 'KEYS_EXHAUSTED' });
    expect(looked).toHaveBeenCalledTimes(1_024);
  });

  it.each([
    ['is refused', { enter: () => ({ ok: false as const, error: new Error('no'), attempts: 0 }) }],
    [
      'fails as it comes in',
      {
        enter: () => {
          throw new Error('bug');
        },
      },
    ],
    [
      'fails as it goes out',
      {
        leave: () => {
          throw new Error('bug');
        },
      },
    ],
  ] satisfies [string, Partial<HookPolicy>][])(
    'are free again when a call under their policy %s',
    async (_how, hooks) => {
      const policies = keyed(() => passing(hooks), { maxKeys: 1 });
      const calls = pipeline({ clock }, policies);
      for (const key of ['a', 'b', 'c']) expect(await calls.tryExecute(item, { key })).toMatchObject({ ok: false });
      expect([...policies].map(([key]) => key)).toEqual(['c']);
      expect(policies.isBusy).toBe(false);
    },
  );

  it('are free again when a timeout outside ends a call, also when the policy fails to let go of it', async () => {
    const cancel = vi.fn(() => {
      throw new Error('bug');
    });
    const policies = keyed(() => passing({ cancel }), { maxKeys: 1 });
    const calls = pipeline({ clock }, timeout({ timeoutMs: 10 }), policies);
    const call = watched(calls.execute(never, { key: 'a' }));
    await microtasks();
    expect(policies.isBusy).toBe(true);
    await clock.advance(10);
    expect([call.state, cancel.mock.calls.length, policies.isBusy]).toEqual(['rejected', 1, false]);
  });

  it('are free again once when a listener aborts the call that their own policy is about to end', async () => {
    const timeouts = keyed(() => timeout({ timeoutMs: 10 }), { maxKeys: 1 });
    const calls = pipeline({ clock }, timeouts);
    const controller = new AbortController();
    calls.on('timeout', () => controller.abort('left'));
    const aborted = watched(calls.execute(never, { key: 'a', signal: controller.signal }));
    const other = watched(calls.execute(never, { key: 'a' }));
    await clock.advance(10);
    expect([aborted.error, (other.error as { code: string }).code, timeouts.isBusy]).toEqual([
      'left',
      'TIMEOUT',
      false,
    ]);
    const running = watched(calls.execute(never, { key: 'a' }));
    expect([running.state, timeouts.isBusy]).toEqual(['pending', true]);
  });

  it('are in use until an outcome has left their policy that comes out to it once more', async () => {
    const busy: boolean[] = [];
    const twice = (): HookPolicy => {
      let waited = false;
      return passing({
        leave: (call, at, outcome) => {
          busy.push(policies.isBusy === true);
          if (waited) return outcome;
          waited = true;
          queueMicrotask(() => call.complete(at + 1, outcome));
          return WAIT;
        },
      });
    };
    const policies = keyed(twice);
    await expect(pipeline({ clock }, policies).execute(item)).resolves.toBe('item');
    expect([busy, policies.isBusy]).toEqual([[true, true], false]);
  });

  it('are free again when their own policy ends the call', async () => {
    const timeouts = keyed(() => timeout({ timeoutMs: 10 }), { maxKeys: 1 });
    const calls = pipeline({ clock }, timeouts);
    const late = watched(calls.execute(never, { key: 'a' }));
    await clock.advance(10);
    expect([late.state, timeouts.isBusy]).toEqual(['rejected', false]);
    const waiting = keyed(() => bulkhead({ maxConcurrent: 1, maxQueue: 1, maxQueueWaitMs: 10 }), { maxKeys: 1 });
    const queued = pipeline({ clock }, waiting);
    const answer = deferred();
    watched(queued.execute(() => answer.promise, { key: 'a' }));
    const refused = watched(queued.execute(item, { key: 'a' }));
    await clock.advance(10);
    answer.resolve('item');
    await microtasks();
    expect([(refused.error as { code: string }).code, waiting.isBusy]).toEqual(['BULKHEAD_WAIT_TIMEOUT', false]);
  });

  it('of a pipeline are in use while it is, and while one of its policies is', async () => {
    const whole = keyed(() => pipeline({ clock }, breakerOf()));
    const calls = pipeline({ clock }, whole);
    await calls.execute(item, { key: 'a' });
    expect(whole.get('a')!.isBusy).toBe(false);
    await rejection(calls.execute(down, { key: 'a' }));
    expect(whole.get('a')!.isBusy).toBe(true);
    await clock.advance(1_000);
    expect(whole.isBusy).toBe(false);
  });

  const wrong: readonly (readonly [unknown, unknown])[] = [
    [undefined, {}],
    [bulkhead(), {}],
    [() => bulkhead(), { maxKeys: 0 }],
    [() => bulkhead(), { maxKeys: Infinity }],
    [() => bulkhead(), { idleMs: 0 }],
    [() => bulkhead(), { key: 5 }],
    [() => bulkhead(), { keys: 5 }],
  ];
  it.each(wrong)('can not be made from %o, %o', (make, options) => {
    expect(() => keyed(make as never, options as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
  });
});
