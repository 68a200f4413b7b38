import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { type ConcurrencySample, type TaskContext, workerPool, type WorkerPoolOptions } from './index.ts';

function setUp(options: WorkerPoolOptions = {}) {
  const clock = new VirtualClock();
  const pool = workerPool({ clock, ...options });
  const taking =
    <T>(ms: number, value: T) =>
    (): Promise<T> =>
      new Promise((resolve) => void clock.setTimer(ms, () => resolve(value)));
  return { clock, pool, taking };
}

describe('a worker pool', () => {
  it('runs as many tasks at once as it has workers, and the others in the order in which they came', async () => {
    const { clock, pool, taking } = setUp({ maxWorkers: 2 });
    const ends = [30, 10, 10, 10].map((ms, index) => watched(pool.execute(taking(ms, index))));
    expect([pool.running, pool.queued]).toEqual([2, 2]);
    await clock.advance(20);
    expect(ends.map(({ state }) => state)).toEqual(['pending', 'fulfilled', 'fulfilled', 'pending']);
    await clock.advance(10);
    expect(ends.map(({ value }) => value)).toEqual([0, 1, 2, 3]);
  });

  it('gives what a task returns or throws, synchronously or not', async () => {
    const { pool } = setUp({ maxWorkers: 1 });
    expect(await pool.execute(() => 1)).toBe(1);
    expect(await pool.execute(async () => 2)).toBe(2);
    expect(
      await rejection(
        pool.execute(() => {
          throw new Error('now');
        }),
      ),
    ).toMatchObject({ message: 'now' });
    expect(await rejection(pool.execute(async () => Promise.reject(new Error('later'))))).toMatchObject({
      message: 'later',
    });
    expect(pool.running).toBe(0);
  });

  it('goes through a hundred thousand synchronous tasks that waited without going deep', async () => {
    const { pool } = setUp({ maxWorkers: 1 });
    pool.pause();
    const ends = Array.from({ length: 100_000 }, (_, index) => pool.execute(() => index));
    pool.resume();
    expect(await ends.at(-1)).toBe(99_999);
  });

  it('runs the most urgent of those that wait first, in the order in which they came within a priority', async () => {
    const { pool } = setUp({ maxWorkers: 1 });
    const order: string[] = [];
    const gate = deferred();
    const first = pool.execute(() => gate.promise);
    const ends = (['low', 'normal', 'critical', 'medium', 'batch', 'high'] as const).map((priority) =>
      pool.execute(() => order.push(priority), { priority }),
    );
    gate.resolve('go');
    await Promise.all([first, ...ends]);
    expect(order).toEqual(['critical', 'high', 'normal', 'medium', 'low', 'batch']);
  });

  it('refuses a task when as many wait as may', async () => {
    const { pool } = setUp({ maxWorkers: 1, maxQueue: 1, name: 'thumbnails' });
    const gate = deferred();
    void pool.execute(() => gate.promise);
    void pool.execute(() => 1);
    expect(await rejection(pool.execute(() => 2))).toMatchObject({
      code: 'WORKER_POOL_FULL',
      category: 'bulkhead',
      policy: 'thumbnails',
    });
    gate.resolve('go');
    await pool.drain();
    expect(pool.statistics).toMatchObject({ succeeded: 2, refused: 1 });
  });

  it('times a task out from when it started: rejects, aborts its signal, frees the worker, ignores what comes late', async () => {
    const { clock, pool } = setUp({ maxWorkers: 1, taskTimeoutMs: 100 });
    const late: unknown[] = [];
    pool.on('task-late', ({ outcome }) => late.push(outcome));
    let context!: TaskContext;
    const answer = deferred();
    const slow = watched(pool.execute((given) => ((context = given), answer.promise)));
    const next = watched(pool.execute(() => 'next'));
    await clock.advance(99);
    expect(slow.state).toBe('pending');
    await clock.advance(1);
    expect(slow.error).toMatchObject({ code: 'TASK_TIMEOUT', category: 'timeout' });
    // Read only now, the signal is aborted already.
    expect(context.signal.reason).toBe(slow.error);
    expect(next.value).toBe('next');
    answer.resolve('too late');
    await microtasks();
    expect(late).toEqual(['success']);
    expect(pool.statistics).toMatchObject({ succeeded: 1, failed: 1, timedOut: 1, running: 0 });
  });

  it('takes the time limit of a task before its own', async () => {
    const { clock, pool, taking } = setUp({ taskTimeoutMs: 100 });
    const patient = watched(pool.execute(taking(200, 'done'), { timeoutMs: 500 }));
    const hasty = watched(pool.execute(taking(50, 'done'), { timeoutMs: 10 }));
    await clock.advance(200);
    expect([patient.value, (hasty.error as Error).message]).toEqual([
      'done',
      'the task did not end within 10 ms (worker-pool)',
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps the worker of a function that goes on after its time, when told to', async () => {
    const { clock, pool } = setUp({ maxWorkers: 1, taskTimeoutMs: 100, releaseOn: 'settled' });
    const answer = deferred();
    const slow = watched(pool.execute(() => answer.promise));
    const next = watched(pool.execute(() => 'next'));
    await clock.advance(150);
    expect([slow.state, next.state, pool.running]).toEqual(['rejected', 'pending', 1]);
    answer.reject(new Error('late'));
    await microtasks();
    expect([next.value, pool.running]).toEqual(['next', 0]);
  });

  it('ends an aborted task at once, whether it waits or runs, and lets go of the signal', async () => {
    const { pool } = setUp({ maxWorkers: 1 });
    const failed: unknown[] = [];
    pool.on('task-failed', (event) => failed.push(event));
    const { controller, signal, ...counted } = countedController();
    let inner!: AbortSignal;
    const running = watched(
      pool.execute((context) => ((inner = context.signal), new Promise(() => undefined)), { signal }),
    );
    const waiting = watched(pool.execute(() => 1, { signal }));
    const other = watched(pool.execute(() => 2));
    controller.abort('left');
    await microtasks();
    expect([running.error, waiting.error, inner.reason, other.value]).toEqual(['left', 'left', 'left', 2]);
    expect(counted.listening).toBe(0);
    expect(await rejection(pool.execute(() => 3, { signal }))).toBe('left');
    expect(pool.statistics).toMatchObject({ aborted: 2, succeeded: 1, failed: 0 });
    expect(failed).toEqual([]);
  });

  it('starts nothing while it is paused, and goes on when it is resumed', async () => {
    const { pool } = setUp();
    pool.pause();
    const end = watched(pool.execute(() => 1));
    await microtasks();
    expect([pool.isPaused, end.state, pool.queued]).toEqual([true, 'pending', 1]);
    pool.resume();
    await microtasks();
    expect([pool.isPaused, end.value]).toEqual([false, 1]);
  });

  it('drains when nothing waits or runs, and stays open', async () => {
    const { clock, pool, taking } = setUp({ maxWorkers: 1 });
    await pool.drain();
    void pool.execute(taking(10, 1));
    void pool.execute(taking(10, 2));
    const drained = watched(pool.drain());
    await clock.advance(19);
    expect(drained.state).toBe('pending');
    await clock.advance(1);
    expect(drained.state).toBe('fulfilled');
    expect(await pool.execute(() => 3)).toBe(3);
  });

  it('is drained only when nothing runs and nothing waits, and also when what waited was aborted', async () => {
    const { clock, pool, taking } = setUp({ maxWorkers: 1 });
    void pool.execute(taking(10, 1));
    const whileOneRuns = watched(pool.drain());
    await clock.advance(9);
    expect(whileOneRuns.state).toBe('pending');
    await clock.advance(1);
    expect(whileOneRuns.state).toBe('fulfilled');
    pool.pause();
    const controller = new AbortController();
    const waiting = watched(pool.execute(() => 2, { signal: controller.signal }));
    const [drained, closed] = [watched(pool.drain()), watched(pool.drain())];
    await microtasks();
    expect(drained.state).toBe('pending');
    controller.abort('left');
    await microtasks();
    expect([waiting.error, drained.state, closed.state]).toEqual(['left', 'fulfilled', 'fulfilled']);
  });

  it('lets a newcomer run behind those who wait, also when a worker has become free meanwhile', async () => {
    const started: string[] = [];
    const { pool } = setUp({ maxWorkers: 2 });
    pool.pause();
    for (const name of ['first', 'second', 'third']) void pool.execute(() => started.push(name));
    pool.resume();
    await pool.execute(() => started.push('newcomer'));
    expect(started).toEqual(['first', 'second', 'third', 'newcomer']);
  });

  it('closes when what is there has ended, resuming for that; it takes nothing new', async () => {
    const { clock, pool, taking } = setUp({ maxWorkers: 1 });
    expect(await setUp().pool.close()).toBe(0);
    pool.pause();
    const ends = [watched(pool.execute(taking(10, 1))), watched(pool.execute(taking(10, 2)))];
    const closed = watched(pool.close({ timeoutMs: 1_000 }));
    expect(await rejection(pool.execute(() => 3))).toMatchObject({ code: 'WORKER_POOL_CLOSED' });
    await clock.advance(20);
    expect([ends[0]!.value, ends[1]!.value, closed.value, clock.pendingTimers]).toEqual([1, 2, 0, 0]);
  });

  it('rejects what waits when it is closed so', async () => {
    const { clock, pool, taking } = setUp({ maxWorkers: 1 });
    const running = watched(pool.execute(taking(10, 1)));
    const waiting = watched(pool.execute(() => 2));
    const closed = watched(pool.close({ queued: 'reject' }));
    await clock.advance(10);
    expect([running.value, closed.value]).toEqual([1, 0]);
    expect(waiting.error).toMatchObject({ code: 'WORKER_POOL_CLOSED' });
  });

  it('aborts what runs and rejects what waits when its time to close is up, and says how many functions are left', async () => {
    const { clock, pool } = setUp({ maxWorkers: 1, taskTimeoutMs: 50 });
    const left = watched(pool.execute(() => new Promise(() => undefined)));
    await clock.advance(50);
    let inner!: AbortSignal;
    const hung = watched(
      pool.execute(({ signal }) => ((inner = signal), new Promise(() => undefined)), { timeoutMs: 9e9 }),
    );
    const waiting = watched(pool.execute(() => 2));
    const closed = watched(pool.close({ timeoutMs: 100 }));
    await clock.advance(100);
    expect(left.error).toMatchObject({ code: 'TASK_TIMEOUT' });
    expect(hung.error).toMatchObject({ code: 'WORKER_POOL_CLOSED' });
    expect(waiting.error).toMatchObject({ code: 'WORKER_POOL_CLOSED' });
    expect([inner.aborted, closed.value, clock.pendingTimers]).toEqual([true, 2, 0]);
  });

  it('answers everybody who closes it, whoever set a time', async () => {
    const { clock, pool, taking } = setUp({ maxWorkers: 1 });
    void pool.execute(taking(100, 1)).catch(() => undefined);
    const [patient, hasty] = [watched(pool.close()), watched(pool.close({ timeoutMs: 10 }))];
    await clock.advance(10);
    expect([patient.state, hasty.value]).toEqual(['pending', 1]);
    await clock.advance(90);
    expect([patient.value, clock.pendingTimers]).toEqual([0, 0]);
    expect(await rejection(pool.close({ timeoutMs: 0 }))).toMatchObject({ code: 'CONFIGURATION' });
  });

  it('tells how long each task waited for its worker, and how it ended after how long, an abort included', async () => {
    const { clock, pool, taking } = setUp({ maxWorkers: 1 });
    const told: unknown[] = [];
    pool.on('task-started', ({ waitedMs }) => told.push(['started', waitedMs]));
    pool.on('task-ended', ({ durationMs, outcome, error }) => told.push([outcome, durationMs, error]));
    const controller = new AbortController();
    void pool.execute(taking(10, 1));
    const failing = rejection(pool.execute(() => Promise.reject(new Error('no'))));
    const aborted = rejection(pool.execute(taking(60, 1), { signal: controller.signal }));
    const neverRan = rejection(pool.execute(taking(1, 1), { signal: controller.signal }));
    await clock.advance(15);
    controller.abort('left');
    await Promise.all([failing, aborted, neverRan]);
    expect(told).toEqual([
      ['started', 0],
      ['success', 10, undefined],
      ['started', 10],
      ['failure', 0, new Error('no')],
      ['started', 10],
      ['failure', 5, 'left'],
    ]);
  });

  it('tells of failed tasks, with how long they waited and ran, and sums up', async () => {
    const { clock, pool, taking } = setUp({ maxWorkers: 1, name: 'mail' });
    await clock.advance(1_000);
    const failed: unknown[] = [];
    pool.on('task-failed', (event) => failed.push(event));
    await rejection(pool.execute(() => new Promise(() => undefined), { signal: AbortSignal.abort('left') }));
    void pool.execute(taking(10, 1));
    const failing = rejection(pool.execute(() => taking(5, 0)().then(() => Promise.reject(new Error('no')))));
    await clock.advance(20);
    await failing;
    expect(failed).toMatchObject([{ policy: 'mail', error: { message: 'no' }, waitedMs: 10, durationMs: 5 }]);
    const { waitMs, runMs } = pool.statistics;
    expect(failed).toHaveLength(1);
    expect([waitMs.max, runMs.max, runMs.mean]).toEqual([10, 10, 7.5]);
    expect(setUp().pool.statistics.runMs.max).toBeNaN();
  });

  it('maps a source with its workers, in the order of the source, beside other tasks', async () => {
    const { clock, pool, taking } = setUp({ maxWorkers: 3 });
    const signals: AbortSignal[] = [];
    const results: number[] = [];
    const mapping = (async () => {
      const mapper = (item: number, { index, signal }: { readonly index: number; readonly signal: AbortSignal }) => {
        signals.push(signal);
        return taking(10 - item, item * 10 + index)();
      };
      for await (const result of pool.map([1, 2, 3, 4], mapper, { priority: 'low', timeoutMs: 100 }))
        results.push(result);
    })();
    await clock.runAll();
    await mapping;
    expect(results).toEqual([10, 21, 32, 43]);
    expect(new Set(signals).size).toBe(4);
  });

  it('lets the items of a mapping wait, also where no task may: there are never more of them than workers', async () => {
    const grows = { next: ({ limit }: ConcurrencySample) => limit };
    const { clock, pool, taking } = setUp({ maxWorkers: 4, maxQueue: 0, adaptive: grows });
    const mapped = (async () => {
      const results: number[] = [];
      for await (const result of pool.map([1, 2, 3, 4, 5, 6], (item) => taking(10, item)())) results.push(result);
      return results;
    })();
    await clock.advance(1);
    expect([pool.running, pool.queued]).toEqual([1, 3]);
    expect(await rejection(pool.execute(() => 7))).toMatchObject({ code: 'WORKER_POOL_FULL' });
    await clock.advance(60);
    expect(await mapped).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('drops the waiting items of a mapping that ends early', async () => {
    const { pool } = setUp({ maxWorkers: 1 });
    const gate = deferred();
    const other = pool.execute(() => gate.promise);
    const results = pool.map([1, 2, 3], (item) => item);
    const next = watched(results.next());
    await microtasks();
    expect(pool.queued).toBe(1);
    await results.return!();
    await microtasks();
    expect([pool.queued, next.value]).toEqual([0, { done: true, value: undefined }]);
    gate.resolve('go');
    await other;
  });

  it('refuses options that can not be meant', async () => {
    expect(() => workerPool({ maxWorkers: 0 })).toThrow(/workerPool.maxWorkers/);
    expect(() => workerPool({ maxWorkers: 2, minWorkers: 3 })).toThrow(
      /workerPool.minWorkers: expected at most maxWorkers/,
    );
    const { pool } = setUp();
    expect(await rejection(pool.execute(() => 1, { priority: 'urgent' as never }))).toMatchObject({
      code: 'CONFIGURATION',
    });
    expect(await rejection(pool.execute(() => 1, { timeoutMs: 0 }))).toMatchObject({ code: 'CONFIGURATION' });
    expect(await rejection(pool.execute(1 as never))).toMatchObject({ code: 'CONFIGURATION' });
  });
});

describe('a worker pool with an adaptive number of workers', () => {
  it('begins with the fewest, and takes what the policy says, rounded and within its bounds', async () => {
    const samples: ConcurrencySample[] = [];
    const wanted = [2.6, 99, -5, Number.NaN];
    const changes: unknown[] = [];
    const adaptive = { next: (sample: ConcurrencySample) => (samples.push(sample), wanted[samples.length - 1]!) };
    const { clock, pool, taking } = setUp({ minWorkers: 2, maxWorkers: 8, adaptive });
    pool.on('workers-changed', ({ from, to }) => changes.push([from, to]));
    expect(pool.workers).toBe(2);
    for (let task = 0; task < 4; task++) void pool.execute(taking(10, task));
    await clock.advance(10);
    expect(samples[0]).toEqual({ limit: 2, running: 2, queued: 2, latencyMs: 10, ok: true });
    await clock.advance(10);
    expect(changes).toEqual([
      [2, 3],
      [3, 8],
      [8, 2],
    ]);
    expect(pool.workers).toBe(2);
    // Whoever aborts says nothing about how the work goes.
    const controller = new AbortController();
    const aborted = rejection(pool.execute(() => new Promise(() => undefined), { signal: controller.signal }));
    controller.abort('left');
    await aborted;
    expect(samples).toHaveLength(4);
  });

  it('tells of its workers only when their number changes', async () => {
    const { pool } = setUp({ minWorkers: 2, adaptive: { next: ({ limit }) => limit } });
    const changes: unknown[] = [];
    pool.on('workers-changed', (event) => changes.push(event));
    await pool.execute(() => 1);
    expect(changes).toEqual([]);
  });

  it('keeps its workers when the policy throws, and tells of that', async () => {
    const adaptive = {
      next: () => {
        throw new Error('bug');
      },
    };
    const { pool } = setUp({ minWorkers: 3, adaptive });
    const failed: unknown[] = [];
    pool.on('hook-failed', ({ hook }) => failed.push(hook));
    expect(await pool.execute(() => 1)).toBe(1);
    expect([pool.workers, failed]).toEqual([3, ['adaptive.next']]);
  });
});
