import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import type { Priority } from '../policy/priority.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, type Deferred, microtasks, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { bulkhead } from './bulkhead.ts';
import type { BulkheadOptions } from './options.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

function gated(options: BulkheadOptions = {}) {
  const gate = bulkhead({ clock, ...options });
  const calls = pipeline(gate);
  const started: string[] = [];
  const answers = new Map<string, Deferred<string>>();
  const call = (name: string, priority?: Priority, signal?: AbortSignal) => {
    const answer = deferred();
    answers.set(name, answer);
    const fn = () => {
      started.push(name);
      return answer.promise;
    };
    return watched(calls.execute(fn, { priority, signal }));
  };
  const end = async (name: string) => {
    answers.get(name)!.resolve(name);
    await microtasks();
  };
  return { gate, calls, started, call, end };
}

describe('a bulkhead', () => {
  it('gives its permit back also when an earlier attempt of the same call ended in the queue', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 1, clock });
    const calls = pipeline(
      { clock },
      retry({ maxAttempts: 2, backoff: constant(0) }),
      timeout({ timeoutMs: 100 }),
      gate,
    );
    const permit = await gate.acquire();
    const waiting = watched(calls.execute(() => new Promise(() => undefined)));
    await clock.advance(100);
    permit.release();
    await clock.advance(50);
    expect([gate.running, gate.queued]).toEqual([1, 0]);
    await clock.advance(100);
    expect(waiting.state).toBe('rejected');
    expect([gate.running, gate.queued]).toEqual([0, 0]);
  });

  it.each([
    ['its time was up', { timeoutMs: 100 }, {}],
    ['it had waited too long', { timeoutMs: 1_000 }, { maxQueueWaitMs: 100 }],
  ])(
    'gives its permit back when a call is aborted that gets it at once, after an attempt that left the queue because %s',
    async (_why, limit, options) => {
      const gate = bulkhead({ maxConcurrent: 1, maxQueue: 1, clock, ...options });
      const again = retry({ maxAttempts: 2, backoff: constant(50), jitter: 'none' });
      const calls = pipeline({ clock }, again, timeout(limit), gate);
      const permit = await gate.acquire();
      const controller = new AbortController();
      const call = watched(calls.execute(() => new Promise(() => undefined), { signal: controller.signal }));
      await clock.advance(100);
      permit.release();
      await clock.advance(50);
      expect([call.state, gate.running, gate.queued]).toEqual(['pending', 1, 0]);
      controller.abort('left');
      await microtasks();
      expect([call.error, gate.running, gate.statistics.withdrawn + gate.statistics.refusedAfterWait]).toEqual([
        'left',
        0,
        1,
      ]);
    },
  );

  it('is busy while a permit is taken', async () => {
    const gate = bulkhead();
    expect(gate.isBusy).toBe(false);
    const permit = await gate.acquire();
    expect(gate.isBusy).toBe(true);
    permit.release();
    expect(gate.isBusy).toBe(false);
  });

  it('runs so many at once, lets so many wait, and refuses the rest at once', async () => {
    const { gate, call, started, end } = gated({ maxConcurrent: 2, maxQueue: 1 });
    const calls = ['a', 'b', 'c', 'd'].map((name) => call(name));
    await microtasks();
    expect([gate.running, gate.queued, started]).toEqual([2, 1, ['a', 'b']]);
    expect(calls[3]!.error).toMatchObject({
      name: 'BulkheadRejectedError',
      code: 'BULKHEAD_FULL',
      category: 'bulkhead',
      message: '2 calls are running and 1 are waiting (bulkhead)',
    });
    await end('b');
    expect([gate.running, gate.queued, started]).toEqual([2, 0, ['a', 'b', 'c']]);
    await end('a');
    await end('c');
    expect(gate.running).toBe(0);
  });

  it('has ten permits and no queue by default', async () => {
    const { gate, call } = gated();
    const calls = Array.from({ length: 11 }, (_, n) => call(`${n}`));
    await microtasks();
    expect([gate.running, calls[10]!.state]).toEqual([10, 'rejected']);
  });

  it('lets waiters go first come, first served; a newcomer of their class does not take their place', async () => {
    const { call, started, end, calls } = gated({ maxConcurrent: 1, maxQueue: 9 });
    call('a');
    call('b');
    const newcomer = deferred();
    calls.on('call-ended', () => {
      if (started.length === 1) void calls.execute(() => newcomer.promise);
    });
    call('c');
    await end('a');
    await end('b');
    await end('c');
    expect(started).toEqual(['a', 'b', 'c']);
    newcomer.resolve('last');
  });

  it('lets the most urgent waiters go first, those of one class in the order in which they came', async () => {
    const { call, started, end } = gated({ maxConcurrent: 1, maxQueue: 9 });
    call('running');
    const waiting: [string, Priority][] = [
      ['batch', 'batch'],
      ['low', 'low'],
      ['medium', 'medium'],
      ['normal', 'normal'],
      ['high', 'high'],
      ['critical', 'critical'],
    ];
    for (const [name, priority] of waiting) call(name, priority);
    for (const name of ['running', 'critical', 'high', 'medium', 'normal', 'low', 'batch']) await end(name);
    expect(started).toEqual(['running', 'critical', 'high', 'medium', 'normal', 'low', 'batch']);
  });

  it('lets an urgent newcomer try for a permit before it queues, where nobody as urgent waits, and no other', async () => {
    const { calls, call, started, end } = gated({ maxConcurrent: 1, maxQueue: 9 });
    call('a');
    // A permit is free for a moment between the end of one call and the start of the next.
    const stop = calls.on('call-ended', ({ key }) => {
      if (key !== 'first') return;
      stop();
      call('normal');
      call('critical', 'critical');
    });
    const first = calls.execute(() => started.push('first'), { key: 'first' });
    call('waiting');
    await end('a');
    await first;
    expect(started).toEqual(['a', 'first', 'critical']);
    await end('critical');
    await end('waiting');
    await end('normal');
    expect(started).toEqual(['a', 'first', 'critical', 'waiting', 'normal']);
  });

  it.each([
    ['critical', 'runs'],
    ['high', 'runs'],
    ['normal', 'is refused'],
    ['low', 'is refused'],
  ] as const)(
    'whose queue is full of less urgent calls: a %s newcomer that finds a permit free %s',
    async (priority, what) => {
      const { calls, call, end } = gated({ maxConcurrent: 1, maxQueue: 2 });
      call('a');
      let newcomer: { state: string } | undefined;
      calls.on('call-ended', ({ key }) => {
        if (key === 'first') newcomer = watched(calls.execute(() => 'newcomer', { priority }));
      });
      // Whoever leaves the queue leaves a place there, which another one takes before the permit is free.
      watched(calls.execute(() => call('c', 'batch'), { key: 'first' }));
      const waiting = call('b', 'batch');
      await end('a');
      expect([newcomer!.state, waiting.state]).toEqual([what === 'runs' ? 'fulfilled' : 'rejected', 'pending']);
    },
  );

  it('settles a queued call that is aborted at once, and gives its place to the next', async () => {
    const { gate, call, started, end } = gated({ maxConcurrent: 1, maxQueue: 2 });
    const { controller, signal } = countedController();
    call('a');
    const aborted = call('b', 'normal', signal);
    call('c');
    controller.abort('left');
    await microtasks();
    expect([aborted.error, gate.queued]).toEqual(['left', 1]);
    call('d');
    await end('a');
    await end('c');
    expect(started).toEqual(['a', 'c', 'd']);
  });

  it('refuses a call that has waited too long, which does not stay in the queue', async () => {
    const { gate, call, end, started } = gated({ maxConcurrent: 1, maxQueue: 1, maxQueueWaitMs: 100 });
    call('a');
    for (let round = 0; round < 3; round++) {
      const late = call('late');
      await clock.advance(100);
      expect(late.error).toMatchObject({
        code: 'BULKHEAD_WAIT_TIMEOUT',
        message: 'no permit within 100 ms (bulkhead)',
      });
      expect(gate.queued).toBe(0);
    }
    const next = call('b');
    await clock.advance(99);
    await end('a');
    await end('b');
    expect([next.value, started, clock.pendingTimers]).toEqual(['b', ['a', 'b'], 0]);
  });

  it('runs waiters whose functions are synchronous one after the other, not one inside the other', async () => {
    const { calls, call, end, gate } = gated({ maxConcurrent: 1, maxQueue: Infinity });
    call('a');
    const all = Array.from({ length: 20_000 }, (_, n) => calls.execute(() => n));
    await end('a');
    expect((await Promise.all(all)).at(-1)).toBe(19_999);
    expect(gate.running).toBe(0);
  });

  it('gives its permit back when a timeout inside ends the run, or with the run itself where that is asked for', async () => {
    for (const releaseOn of ['outcome', 'settled'] as const) {
      const gate = bulkhead({ releaseOn });
      const answer = deferred();
      const call = watched(pipeline({ clock }, gate, timeout({ timeoutMs: 10 })).execute(() => answer.promise));
      await clock.advance(10);
      expect([call.state, gate.running]).toEqual(['rejected', releaseOn === 'outcome' ? 0 : 1]);
      answer.resolve('late');
      await microtasks();
      expect(gate.running).toBe(0);
    }
  });

  it('gives its permit back after an abort or a timeout outside too, then or with the run', async () => {
    for (const releaseOn of ['outcome', 'settled'] as const) {
      const gate = bulkhead({ releaseOn });
      const answer = deferred();
      watched(pipeline({ clock }, timeout({ timeoutMs: 10 }), gate).execute(() => answer.promise));
      await clock.advance(10);
      expect(gate.running).toBe(releaseOn === 'outcome' ? 0 : 1);
      answer.reject(new Error('late'));
      await microtasks();
      expect(gate.running).toBe(0);
    }
  });

  it('holds one permit for a run that never ends, not one for each attempt after it', async () => {
    const gate = bulkhead({ maxConcurrent: 3, releaseOn: 'settled' });
    const calls = pipeline(
      { clock },
      retry({ maxAttempts: 3, backoff: constant(0) }),
      gate,
      timeout({ timeoutMs: 10 }),
    );
    const answers = [deferred(), deferred()];
    const call = watched(calls.execute(({ attempt }) => answers[attempt - 1]?.promise ?? 'item'));
    await clock.advance(10);
    expect([call.state, gate.running]).toEqual(['pending', 2]);
    await clock.advance(10);
    expect([call.value, gate.running]).toEqual(['item', 2]);
    answers[1]!.resolve('late');
    await microtasks();
    expect(gate.running).toBe(1);
    answers[0]!.resolve('late');
    await microtasks();
    expect(gate.running).toBe(0);
  });

  it('holds its permit for a run of a later attempt that had to queue, until that run has ended', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 1, releaseOn: 'settled' });
    const again = retry({ maxAttempts: 2, backoff: constant(0) });
    const calls = pipeline({ clock }, again, gate, timeout({ timeoutMs: 10 }));
    const answers = [deferred(), deferred()];
    const call = watched(calls.execute(({ attempt }) => answers[attempt - 1]!.promise));
    await clock.advance(10);
    answers[0]!.resolve('late');
    await clock.advance(10);
    expect([(call.error as { code: string }).code, gate.running]).toEqual(['TIMEOUT', 1]);
    answers[1]!.resolve('late');
    await microtasks();
    expect(gate.running).toBe(0);
  });

  it('counts what became of all that came, those who left the queue of their own apart', async () => {
    const { gate, call, end } = gated({ maxConcurrent: 1, maxQueue: 2, maxQueueWaitMs: 100 });
    const controller = new AbortController();
    expect(Object.values(gate.statistics)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    call('a');
    call('aborted', 'normal', controller.signal);
    call('b');
    call('full');
    await clock.advance(30);
    controller.abort();
    await end('a');
    call('late');
    await clock.advance(100);
    await end('b');
    expect(gate.statistics).toEqual({
      running: 0,
      queued: 0,
      admitted: 2,
      admittedAfterWait: 1,
      refused: 1,
      refusedAfterWait: 1,
      withdrawn: 1,
      waitedMs: 30 + 30 + 100,
    });
  });

  it('tells who waits and who is refused', async () => {
    const { calls, call } = gated({ maxConcurrent: 1, maxQueue: 1, maxQueueWaitMs: 10 });
    const told: unknown[] = [];
    calls.on('bulkhead-queued', ({ queued }) => told.push(['queued', queued]));
    calls.on('bulkhead-rejected', ({ code, running, queued }) => told.push([code, running, queued]));
    for (const name of ['a', 'b', 'c']) call(name);
    await clock.advance(10);
    expect(told).toEqual([
      ['queued', 1],
      ['BULKHEAD_FULL', 1, 1],
      ['BULKHEAD_WAIT_TIMEOUT', 1, 0],
    ]);
  });

  it('lets a listener that is told of a waiter make room for it', async () => {
    const { gate, calls } = gated({ maxConcurrent: 1, maxQueue: 1 });
    const permit = await gate.acquire();
    calls.on('bulkhead-queued', () => permit.release());
    await expect(calls.execute(() => 'item')).resolves.toBe('item');
    expect(gate.running).toBe(0);
  });

  it.each([{ maxConcurrent: 0 }, { maxQueue: -1 }, { maxQueueWaitMs: 0 }, { releaseOn: 'never' }, { max: 1 }])(
    'refuses %o',
    (options) => {
      expect(() => bulkhead(options as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
    },
  );
});
