import { beforeEach, describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { deferred, type Deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { adaptiveConcurrency } from './adaptive-concurrency.ts';
import { aimd } from './aimd.ts';
import type { LimitAlgorithm, LimitSample } from './algorithm.ts';
import type { AdaptiveConcurrencyOptions } from './options.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** An algorithm that keeps what it is told and says what it is asked to. */
function recording(next: (limit: number) => number = (limit) => limit) {
  const samples: LimitSample[] = [];
  const algorithm: LimitAlgorithm = {
    name: 'recording',
    createEstimator: () => ({
      next: (limit, sample) => {
        samples.push(sample);
        return next(limit);
      },
    }),
  };
  return { samples, algorithm };
}

/** Each call is a sample. */
const eachCall = { windowMs: 0, minSamples: 1 };
const never = (): Promise<string> => new Promise(() => undefined);
const error = (details: object): Error => Object.assign(new Error('down'), details);

function limited(options: AdaptiveConcurrencyOptions = {}) {
  const policy = adaptiveConcurrency({ clock, ...options });
  const calls = pipeline({ name: 'api' }, policy);
  const start = (answer: Deferred<string> = deferred()) => {
    const call = watched(calls.execute(() => answer.promise));
    return { answer, call };
  };
  return { policy, calls, start };
}

describe('an adaptive concurrency limit', () => {
  it('runs as many calls at once as its limit says, queues some, and refuses the rest', async () => {
    const { policy, start } = limited({ initialLimit: 2, maxQueue: 1 });
    const calls = [start(), start(), start(), start()];
    await microtasks();
    expect([policy.limit, policy.inflight, policy.queued, policy.rttMs]).toEqual([2, 2, 1, undefined]);
    expect(calls[3]!.call.error).toMatchObject({
      name: 'ConcurrencyLimitError',
      code: 'CONCURRENCY_LIMIT',
      category: 'bulkhead',
      policy: 'adaptive-concurrency',
      details: { limit: 2 },
      message:
        '2 calls are running of 2 that the upstream is believed to take, and 1 are waiting (adaptive-concurrency)',
    });
    calls[0]!.answer.resolve('a');
    await microtasks();
    expect([calls[0]!.call.value, policy.inflight, policy.queued]).toEqual(['a', 2, 0]);
    for (const { answer } of calls) answer.resolve('end');
    await microtasks();
    expect([policy.inflight, policy.statistics.admitted, policy.statistics.refused]).toEqual([0, 3, 1]);
  });

  it('begins with 20, stays between 1 and 200, and follows gradient2 by default', async () => {
    const { policy, calls } = limited();
    expect(policy.limit).toBe(20);
    const moved: unknown[] = [];
    policy.events.on('concurrency-limit-changed', ({ from, to }) => moved.push([from, to]));
    const round = async (ms: number) => {
      const all = Array.from({ length: 20 }, () =>
        calls.execute(() => new Promise((done) => clock.setTimer(ms, () => done(0)))),
      );
      await clock.advance(ms);
      await Promise.all(all);
    };
    for (let n = 0; n < 6; n++) await round(500);
    // Each second a sample: 20 → 20.8 → 21.6
    expect(moved).toEqual([[20, 21]]);
    expect([policy.limit, policy.rttMs]).toEqual([21, 500]);
  });

  it('refuses a call that has waited too long, tells it, and has no timer left', async () => {
    const { policy, calls, start } = limited({ initialLimit: 1, maxQueue: 1, maxQueueWaitMs: 100, name: 'limit' });
    const told: unknown[] = [];
    calls.on('concurrency-queued', ({ policy: by, queued }) => told.push([by, queued]));
    calls.on('concurrency-rejected', ({ code, limit, inflight, queued }) => told.push([code, limit, inflight, queued]));
    start();
    const late = start();
    start();
    await clock.advance(100);
    expect(late.call.error).toMatchObject({
      code: 'CONCURRENCY_WAIT_TIMEOUT',
      message: 'no call ended for this one within 100 ms (limit)',
    });
    expect(told).toEqual([
      ['limit', 1],
      ['CONCURRENCY_LIMIT', 1, 1, 1],
      ['CONCURRENCY_WAIT_TIMEOUT', 1, 1, 0],
    ]);
    expect([policy.queued, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('lets those who wait go as the limit rises, and nobody new as long as more run than it allows', async () => {
    const wanted = [3, 1];
    const { algorithm } = recording(() => wanted.shift()!);
    const { policy, start } = limited({ ...eachCall, algorithm, initialLimit: 1, maxQueue: 5 });
    const calls = Array.from({ length: 5 }, () => start());
    calls[0]!.answer.resolve('up to 3');
    await microtasks();
    expect([policy.limit, policy.inflight, policy.queued]).toEqual([3, 3, 1]);
    calls[1]!.answer.resolve('down to 1');
    await microtasks();
    expect([policy.limit, policy.inflight, policy.queued]).toEqual([1, 2, 1]);
    calls[2]!.answer.reject(new Error('says nothing'));
    await microtasks();
    expect([policy.inflight, policy.queued]).toEqual([1, 1]);
    calls[3]!.answer.reject(new Error('says nothing'));
    await microtasks();
    expect([policy.inflight, policy.queued]).toEqual([1, 0]);
  });

  it('gives the algorithm a mean of the calls of a second, of ten at least, and the most that ran at once', async () => {
    const { algorithm, samples } = recording();
    const { policy, calls } = limited({ algorithm });
    const call = async (ms: number, times = 1) => {
      const fn = () => new Promise((resolve) => clock.setTimer(ms, () => resolve(ms)));
      const done = Array.from({ length: times }, () => calls.execute(fn));
      await clock.advance(ms);
      await Promise.all(done);
    };
    await call(100, 3);
    for (let n = 0; n < 8; n++) await call(100);
    expect(samples).toEqual([]);
    await call(220);
    expect(samples).toEqual([{ rttMs: (11 * 100 + 220) / 12, inflight: 3, dropped: false }]);
    expect(policy.rttMs).toBe(110);
    for (let n = 0; n < 9; n++) await call(1_000);
    expect(samples).toHaveLength(1);
    await call(1_000);
    expect(samples[1]).toEqual({ rttMs: 1_000, inflight: 1, dropped: false });
  });

  it('counts a call that runs out of time as a drop, inside or outside, and a sample above 1 % of drops as dropped', async () => {
    const { algorithm, samples } = recording();
    const policy = adaptiveConcurrency({ ...eachCall, algorithm });
    const inside = pipeline({ clock }, policy, timeout({ timeoutMs: 10 })).tryExecute(never);
    const outside = pipeline({ clock }, timeout({ timeoutMs: 20 }), policy).tryExecute(never);
    const deadline = pipeline({ clock }, policy).tryExecute(never, { deadlineMs: 30 });
    await clock.advance(30);
    expect((await Promise.all([inside, outside, deadline])).map(({ ok }) => ok)).toEqual([false, false, false]);
    expect(samples.map(({ dropped, rttMs }) => [dropped, rttMs])).toEqual(samples.map(() => [true, Number.NaN]));
    expect(samples).toHaveLength(3);
    expect([policy.inflight, policy.rttMs]).toEqual([0, undefined]);
  });

  it('tolerates one drop in a hundred, and no more', async () => {
    const { algorithm, samples } = recording();
    const { calls } = limited({ algorithm, windowMs: 0, minSamples: 100 });
    const overload = error({ status: 503 });
    const play = async (drops: number) => {
      for (let n = 0; n < 100; n++) {
        await calls.tryExecute(() => (n < drops ? Promise.reject(overload) : 'item'));
      }
    };
    await play(1);
    await play(2);
    expect(samples.map(({ dropped }) => dropped)).toEqual([false, true]);
    const strict = recording();
    const few = limited({ algorithm: strict.algorithm, windowMs: 0, minSamples: 2, toleratedDropRatio: 0.5 });
    for (const fail of [true, false, true, true])
      await few.calls.tryExecute(() => (fail ? Promise.reject(overload) : 'item'));
    expect(strict.samples.map(({ dropped }) => dropped)).toEqual([false, true]);
  });

  it('takes no sample of a call that never reached the upstream, of one that its caller aborted, and of other errors', async () => {
    const { algorithm, samples } = recording();
    const gate = bulkhead({ maxConcurrent: 1 });
    const policy = adaptiveConcurrency({ ...eachCall, algorithm });
    const calls = pipeline({ clock }, policy, gate);
    const permit = await gate.acquire();
    expect(await rejection(calls.execute(never))).toMatchObject({ code: 'BULKHEAD_FULL' });
    permit.release();
    const controller = new AbortController();
    const aborted = watched(calls.execute(never, { signal: controller.signal }));
    controller.abort('left');
    await rejection(calls.execute(() => Promise.reject(error({ status: 500 }))));
    await rejection(
      calls.execute(() => {
        throw new Error('bug');
      }),
    );
    expect([aborted.error, samples, policy.inflight]).toEqual(['left', [], 0]);
    await calls.execute(() => 'item');
    expect(samples).toHaveLength(1);
  });

  it('takes no sample of a later attempt that is refused inside, although the first one had reached the upstream', async () => {
    const { algorithm, samples } = recording();
    const gate = bulkhead({ maxConcurrent: 1 });
    const policy = adaptiveConcurrency({ ...eachCall, algorithm });
    const again = retry({ maxAttempts: 2, backoff: constant(0) });
    const calls = pipeline({ clock }, again, policy, gate);
    let permit: { release(): void } | undefined;
    calls.on('retry', () => (permit = gate.tryAcquire()));
    const call = watched(calls.execute(() => Promise.reject(error({ status: 503 }))));
    await clock.advance(1);
    expect(call.error).toMatchObject({ code: 'BULKHEAD_FULL' });
    expect(samples).toHaveLength(1);
    permit!.release();
  });

  it('withdraws a call from the queue at once when it is aborted there, and samples nothing', async () => {
    const { algorithm, samples } = recording();
    const { policy, calls, start } = limited({ ...eachCall, algorithm, initialLimit: 1, maxQueue: 1 });
    const running = start();
    const controller = new AbortController();
    const queued = watched(calls.execute(never, { signal: controller.signal }));
    controller.abort('left');
    await microtasks();
    expect([queued.error, policy.queued, policy.inflight]).toEqual(['left', 0, 1]);
    running.answer.resolve('item');
    await microtasks();
    expect([samples.length, policy.inflight, policy.statistics.withdrawn]).toEqual([1, 0, 1]);
  });

  it('measures from when a call may run, not from when it began to wait', async () => {
    const { algorithm, samples } = recording();
    const { start } = limited({ ...eachCall, algorithm, initialLimit: 1, maxQueue: 1 });
    const [first, second] = [start(), start()];
    await clock.advance(100);
    first.answer.resolve('a');
    await clock.advance(30);
    second.answer.resolve('b');
    await microtasks();
    expect(samples.map(({ rttMs }) => rttMs)).toEqual([100, 30]);
  });

  it('asks its own condition where one is given, and takes an error that it fails on for no drop', async () => {
    const { algorithm, samples } = recording();
    const dropIf = vi.fn((thrown: unknown) => {
      if ((thrown as Error).message === 'odd') throw new TypeError('bug');
      return (thrown as Error).message === 'busy';
    });
    const { calls } = limited({ ...eachCall, algorithm, dropIf });
    const failed = vi.fn();
    calls.on('hook-failed', failed);
    for (const message of ['busy', 'odd', 'other'])
      await rejection(calls.execute(() => Promise.reject(new Error(message))));
    expect(samples.map(({ dropped }) => dropped)).toEqual([true]);
    expect(failed.mock.calls.map(([event]) => (event as { hook: string }).hook)).toEqual(['dropIf']);
  });

  it('clamps what its algorithm wants, and uses the whole part of it', async () => {
    const wanted = [7.9, 1_000, -5];
    const { algorithm } = recording(() => wanted.shift()!);
    const { policy, calls } = limited({ ...eachCall, algorithm, minLimit: 2, maxLimit: 50, initialLimit: 10 });
    const seen: number[] = [];
    for (let n = 0; n < 3; n++) {
      await calls.execute(() => 'item');
      seen.push(policy.limit);
    }
    expect(seen).toEqual([7, 50, 2]);
  });

  it('keeps the fraction of the limit, so that small steps add up', async () => {
    const { algorithm } = recording((limit) => limit + 0.4);
    const { policy, calls } = limited({ ...eachCall, algorithm, initialLimit: 10 });
    for (let n = 0; n < 3; n++) await calls.execute(() => 'item');
    expect(policy.limit).toBe(11);
  });

  it('leaves the limit alone when its algorithm fails or gives no number, and tells that', async () => {
    let answer: () => number = () => Number.NaN;
    const { algorithm } = recording(() => answer());
    const { policy, calls } = limited({ ...eachCall, algorithm });
    const told: unknown[] = [];
    calls.on('hook-failed', ({ hook, error: thrown }) => told.push([hook, (thrown as Error).message]));
    await calls.execute(() => 'item');
    answer = () => {
      throw new Error('bug');
    };
    await expect(calls.execute(() => 'item')).resolves.toBe('item');
    answer = (() => Promise.reject(new Error('late'))) as never;
    await expect(calls.execute(() => 'item')).resolves.toBe('item');
    await microtasks();
    expect([policy.limit, told]).toEqual([
      20,
      [
        ['algorithm', 'the algorithm gave NaN as the limit'],
        ['algorithm', 'bug'],
        ['algorithm', 'a promise was given where an answer is needed at once'],
        ['algorithm', 'late'],
      ],
    ]);
  });

  it('tells when the limit moves, with what it went by and the call that brought it about', async () => {
    const { policy, calls } = limited({ ...eachCall, algorithm: aimd(), initialLimit: 2 });
    const told: unknown[] = [];
    policy.events.on('concurrency-limit-changed', (event) => told.push(event));
    const heard = vi.fn();
    calls.on('concurrency-limit-changed', heard);
    await calls.execute(() => clock.advance(5), { key: 'sku:1' });
    expect(told).toEqual([
      {
        type: 'concurrency-limit-changed',
        pipeline: 'api',
        policy: 'adaptive-concurrency',
        key: 'sku:1',
        attempt: 1,
        timestamp: clock.wallTime(),
        from: 2,
        to: 3,
        rttMs: 5,
        inflight: 1,
        dropped: false,
      },
    ]);
    expect(heard).toHaveBeenCalledTimes(1);
    await calls.execute(() => 'item');
    expect(told).toHaveLength(1);
  });

  it('counts a call as running until its function has really ended, where that is asked for', async () => {
    const policy = adaptiveConcurrency({ releaseOn: 'settled', initialLimit: 2 });
    const again = retry({ maxAttempts: 2, backoff: constant(0) });
    const calls = pipeline({ clock }, again, policy, timeout({ timeoutMs: 10 }));
    const hung = deferred();
    const call = watched(calls.execute(({ attempt }) => (attempt === 1 ? hung.promise : 'item')));
    await clock.advance(10);
    expect([call.value, policy.inflight]).toEqual(['item', 1]);
    hung.resolve('late');
    await microtasks();
    expect(policy.inflight).toBe(0);
    const early = adaptiveConcurrency();
    watched(pipeline({ clock }, early, timeout({ timeoutMs: 10 })).execute(never));
    await clock.advance(10);
    expect(early.inflight).toBe(0);
  });

  it('lets those who wait go as the limit rises also while a run that nobody waits for holds its place', async () => {
    const { algorithm } = recording((limit) => limit + 1);
    const policy = adaptiveConcurrency({ ...eachCall, algorithm, initialLimit: 1, maxQueue: 1, releaseOn: 'settled' });
    const again = retry({ maxAttempts: 2, backoff: constant(0) });
    const calls = pipeline({ clock }, policy, again, timeout({ timeoutMs: 10 }));
    const first = watched(calls.execute(({ attempt }) => (attempt === 1 ? never() : 'item')));
    const second = watched(calls.execute(never));
    await clock.advance(10);
    expect([first.value, second.state]).toEqual(['item', 'pending']);
    expect([policy.limit, policy.inflight, policy.queued]).toEqual([2, 2, 0]);
  });

  it('moves an initial limit that was not given to the nearest bound', () => {
    expect(adaptiveConcurrency({ maxLimit: 5 }).limit).toBe(5);
    expect(adaptiveConcurrency({ minLimit: 50 }).limit).toBe(50);
  });

  it('has no time of 0, which no algorithm could divide by', async () => {
    const { algorithm, samples } = recording();
    const { calls } = limited({ ...eachCall, algorithm });
    await calls.execute(() => 'item');
    expect(samples[0]!.rttMs).toBe(0.001);
  });

  it.each([
    [
      { minLimit: 10, maxLimit: 5 },
      'adaptiveConcurrency.maxLimit: expected an integer of at least minLimit, 10, received 5',
    ],
    [
      { initialLimit: 300 },
      'adaptiveConcurrency.initialLimit: expected an integer from minLimit, 1, to maxLimit, 200, received 300',
    ],
    [{ initialLimit: 1, minLimit: 2 }, 'from minLimit, 2, to maxLimit, 200, received 1'],
    [{ algorithm: 'vegas' }, 'an algorithm such as gradient2()'],
    [{ minLimit: 0 }, 'adaptiveConcurrency.minLimit'],
    [{ initialLimit: 0 }, 'adaptiveConcurrency.initialLimit'],
    [{ maxLimit: Infinity }, 'adaptiveConcurrency.maxLimit'],
    [{ maxQueue: -1 }, 'adaptiveConcurrency.maxQueue'],
    [{ maxQueueWaitMs: 0 }, 'adaptiveConcurrency.maxQueueWaitMs'],
    [{ windowMs: -1 }, 'adaptiveConcurrency.windowMs'],
    [{ minSamples: 0 }, 'adaptiveConcurrency.minSamples'],
    [{ toleratedDropRatio: 2 }, 'adaptiveConcurrency.toleratedDropRatio'],
    [{ dropIf: true }, 'adaptiveConcurrency.dropIf'],
    [{ releaseOn: 'never' }, 'adaptiveConcurrency.releaseOn'],
    [{ limit: 5 }, 'adaptiveConcurrency.limit'],
  ])('refuses %o', (options, message) => {
    expect(() => adaptiveConcurrency(options as never)).toThrow(message);
  });
});
