import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { bulkhead } from './bulkhead.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

describe('acquire', () => {
  it('takes a permit that is given back once, however often it is released', async () => {
    const gate = bulkhead({ maxConcurrent: 1 });
    const permit = await gate.acquire();
    expect(await rejection(gate.acquire())).toMatchObject({ code: 'BULKHEAD_FULL' });
    permit.release();
    permit.release();
    expect(gate.running).toBe(0);
  });

  it('gives a permit that can be disposed of where the platform knows how, once as well', async () => {
    const gate = bulkhead({ maxConcurrent: 1 });
    const permit = (await gate.acquire()) as unknown as Record<symbol, (() => void) | undefined>;
    if (Symbol.dispose === undefined) return expect(Object.getOwnPropertySymbols(permit)).toEqual([]);
    permit[Symbol.dispose]!();
    permit[Symbol.dispose]!();
    expect(gate.running).toBe(0);
  });

  it('gives a permit without that where the platform does not know how', async () => {
    const gate = bulkhead();
    vi.stubGlobal('Symbol', Object.create(Symbol, { dispose: { value: undefined } }));
    const acquired = gate.acquire();
    vi.unstubAllGlobals();
    const permit = await acquired;
    expect([Object.keys(permit), Object.getOwnPropertySymbols(permit)]).toEqual([['release'], []]);
    permit.release();
    expect(gate.running).toBe(0);
  });

  it('waits in one queue with the calls of pipelines', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 3 });
    const calls = pipeline(gate);
    const answer = deferred();
    watched(calls.execute(() => answer.promise));
    const permit = watched(gate.acquire());
    const call = watched(calls.execute(() => 'item'));
    answer.resolve('first');
    await microtasks();
    expect([permit.state, call.state]).toEqual(['fulfilled', 'pending']);
    permit.value!.release();
    await microtasks();
    expect(call.value).toBe('item');
  });

  it('rejects with the reason of an abort, before or during the wait, and lets go of the signal', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 3 });
    const held = await gate.acquire();
    const counted = countedController();
    expect(await rejection(gate.acquire({ signal: AbortSignal.abort('gone') }))).toBe('gone');
    const aborted = watched(gate.acquire({ signal: counted.signal }));
    expect([counted.listening, gate.queued]).toEqual([1, 1]);
    counted.controller.abort('left');
    await microtasks();
    expect([aborted.error, gate.queued, counted.listening]).toEqual(['left', 0, 0]);
    held.release();
    expect(gate.running).toBe(0);
  });

  it('lets go of the signal when it is granted or refused', async () => {
    const gate = bulkhead({ clock, maxConcurrent: 1, maxQueue: 3, maxQueueWaitMs: 10 });
    const held = await gate.acquire();
    const counted = countedController();
    const refused = watched(gate.acquire({ signal: counted.signal }));
    await clock.advance(10);
    expect([(refused.error as { code: string }).code, counted.listening]).toEqual(['BULKHEAD_WAIT_TIMEOUT', 0]);
    const granted = watched(gate.acquire({ signal: counted.signal }));
    held.release();
    await microtasks();
    expect([granted.state, counted.listening, clock.pendingTimers]).toEqual(['fulfilled', 0, 0]);
  });

  it('waits no longer than it is told to, nor than calls may, and then has left the queue', async () => {
    const gate = bulkhead({ clock, maxConcurrent: 1, maxQueue: 3, maxQueueWaitMs: 100 });
    const held = await gate.acquire();
    const [short, long] = [watched(gate.acquire({ maxWaitMs: 10 })), watched(gate.acquire({ maxWaitMs: Infinity }))];
    await clock.advance(10);
    expect(short.error).toMatchObject({
      code: 'BULKHEAD_WAIT_TIMEOUT',
      message: 'no permit within 10 ms (bulkhead)',
    });
    expect([long.state, gate.queued]).toEqual(['pending', 1]);
    await clock.advance(90);
    expect(long.error).toMatchObject({ message: 'no permit within 100 ms (bulkhead)' });
    expect([gate.queued, clock.pendingTimers]).toEqual([0, 0]);
    held.release();
  });

  it('waits without a limit where neither it nor the bulkhead has one', async () => {
    const gate = bulkhead({ clock, maxConcurrent: 1, maxQueue: 3 });
    const held = await gate.acquire();
    const waiting = [watched(gate.acquire()), watched(gate.acquire({ maxWaitMs: Infinity }))];
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(86_400_000);
    expect(waiting.map(({ state }) => state)).toEqual(['pending', 'pending']);
    held.release();
    await microtasks();
    expect(waiting.map(({ state }) => state)).toEqual(['fulfilled', 'pending']);
  });

  it('does not wait at all when it may wait 0 ms', async () => {
    const gate = bulkhead({ clock, maxConcurrent: 1, maxQueue: 3 });
    const permit = await gate.acquire({ maxWaitMs: 0 });
    expect(await rejection(gate.acquire({ maxWaitMs: 0 }))).toMatchObject({ code: 'BULKHEAD_WAIT_TIMEOUT' });
    expect([gate.statistics.refused, gate.queued, clock.pendingTimers]).toEqual([1, 0, 0]);
    permit.release();
  });

  it('lets the most urgent of those who wait go first', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 3 });
    const held = await gate.acquire();
    const [low, normal, high] = (['low', 'normal', 'high'] as const).map((priority) =>
      watched(gate.acquire({ priority })),
    );
    held.release();
    await microtasks();
    expect([low!.state, normal!.state, high!.state]).toEqual(['pending', 'pending', 'fulfilled']);
    high!.value!.release();
    await microtasks();
    expect([low!.state, normal!.state]).toEqual(['pending', 'fulfilled']);
  });

  it('adds one listener to a signal on which thousands wait, and lets all of them go at its abort', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: Infinity });
    const held = await gate.acquire();
    const counted = countedController();
    const waiting = Array.from({ length: 5_000 }, () => watched(gate.acquire({ signal: counted.signal })));
    expect([counted.added, gate.queued]).toEqual([1, 5_000]);
    counted.controller.abort('left');
    await microtasks();
    expect(waiting.every(({ error }) => error === 'left')).toBe(true);
    expect([counted.listening, gate.queued, gate.statistics.withdrawn]).toEqual([0, 0, 5_000]);
    held.release();
  });

  it('tells of who waits and who is refused by the events of the bulkhead itself, which every pipeline passes on', async () => {
    const gate = bulkhead({ clock, maxConcurrent: 1, maxQueue: 1, name: 'reports' });
    const told: unknown[] = [];
    pipeline({ clock }, gate).on('bulkhead-rejected', ({ type, pipeline: by, policy, key, code, running, queued }) =>
      told.push([type, by, policy, key, code, running, queued]),
    );
    gate.events.on('bulkhead-queued', ({ type, policy, timestamp, queued }) =>
      told.push([type, policy, timestamp, queued]),
    );
    const held = await gate.acquire();
    const last = watched(gate.acquire({ maxWaitMs: 10 }));
    await rejection(gate.acquire());
    await clock.advance(10);
    expect(last.state).toBe('rejected');
    expect(told).toEqual([
      ['bulkhead-queued', 'reports', Date.UTC(2026, 0, 1), 1],
      ['bulkhead-rejected', undefined, 'reports', undefined, 'BULKHEAD_FULL', 1, 1],
      ['bulkhead-rejected', undefined, 'reports', undefined, 'BULKHEAD_WAIT_TIMEOUT', 1, 0],
    ]);
    held.release();
  });

  it.each([{ priority: 'urgent' }, { maxWaitMs: -1 }, { maxWaitMs: Number.NaN }, { signal: 'now' }, { cost: 1 }])(
    'rejects when it is given %o, and takes no permit',
    async (options) => {
      const gate = bulkhead();
      expect(await rejection(gate.acquire(options as never))).toMatchObject({ code: 'CONFIGURATION' });
      expect(gate.running).toBe(0);
    },
  );
});

describe('tryAcquire', () => {
  it('takes a permit when one is free, and gives none otherwise, at once', () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 3 });
    const permit = gate.tryAcquire();
    expect([gate.running, gate.tryAcquire(), gate.queued]).toEqual([1, undefined, 0]);
    expect(gate.statistics).toMatchObject({ admitted: 1, refused: 1 });
    permit!.release();
    expect(gate.tryAcquire({ priority: 'batch' })).toBeDefined();
  });

  it('overtakes nobody who waits, but for an urgent one where nobody as urgent waits', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 3 });
    const calls = pipeline(gate);
    const tried: unknown[] = [];
    // Between the end of one call and the start of the next a permit is free for a moment.
    calls.on('call-ended', ({ key }) => {
      if (key !== 'first') return;
      tried.push(gate.tryAcquire() === undefined, gate.tryAcquire({ priority: 'critical' }) === undefined);
    });
    const held = await gate.acquire();
    const first = calls.execute(() => 'first', { key: 'first' });
    const second = watched(gate.acquire());
    held.release();
    await first;
    expect([tried, second.state]).toEqual([[true, false], 'pending']);
  });

  it('refuses what can not be meant', () => {
    expect(() => bulkhead().tryAcquire({ priority: 'urgent' as never })).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION' }),
    );
  });
});
