import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, rejection, watched } from '../testing/test-support/watched.ts';
import { batcher, type BatcherOptions, thunkBatcher } from './index.ts';

/** A batcher of numbers that doubles them, and what its batch function was called with. */
function doubling(options: Partial<BatcherOptions<number, number>> = {}) {
  const clock = new VirtualClock();
  const batches: number[][] = [];
  const numbers = batcher<number, number>({
    clock,
    batch: async (keys) => {
      batches.push([...keys]);
      return keys.map((key) => key * 2);
    },
    ...options,
  });
  return { clock, batches, numbers };
}

const turn = (): Promise<void> => new VirtualClock().advance(0);

describe('a batcher', () => {
  it('loads in one batch what is asked for in one turn of the program, however deep in promises', async () => {
    const { numbers, batches } = doubling();
    const chained = async (): Promise<number> => {
      for (let hop = 0; hop < 50; hop++) await Promise.resolve();
      return numbers.load(3);
    };
    expect(await Promise.all([numbers.load(1), numbers.load(2), chained()])).toEqual([2, 4, 6]);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  it('loads a key once in a batch, and again in the next one', async () => {
    const { numbers, batches } = doubling();
    expect(await Promise.all([numbers.load(1), numbers.load(1)])).toEqual([2, 2]);
    await numbers.load(1);
    expect(batches).toEqual([[1], [1]]);
    expect(numbers.statistics).toEqual({ batches: 2, keys: 2, shared: 1, failed: 0 });
  });

  it('tells keys that are objects apart by what identifies them', async () => {
    const batches: unknown[] = [];
    const users = batcher<{ id: number }, string>({
      batch: (keys) => (batches.push(keys.map(({ id }) => id)), keys.map(({ id }) => `user ${id}`)),
      identify: ({ id }) => id,
    });
    expect(await users.loadMany([{ id: 1 }, { id: 2 }, { id: 1 }])).toEqual(['user 1', 'user 2', 'user 1']);
    expect(batches).toEqual([[1, 2]]);
  });

  it('lets a batch go at once when it is full by count', async () => {
    const { numbers, batches } = doubling({ maxItems: 2 });
    void numbers.loadMany([1, 2, 3]);
    expect([batches, numbers.waiting]).toEqual([[[1, 2]], 1]);
    await numbers.flush();
    expect(batches).toEqual([[1, 2], [3]]);
  });

  it('lets a batch go before it would be too heavy, and a key that is too heavy alone', async () => {
    const { numbers, batches } = doubling({ maxWeight: 10, weigh: (key) => key });
    void numbers.loadMany([4, 5, 2, 50, 1, 9, 3]);
    await numbers.flush();
    expect(batches).toEqual([[4, 5], [2], [50], [1, 9], [3]]);
  });

  it('lets a batch go at once when it is as heavy as it may be', async () => {
    const { numbers, batches } = doubling({ maxWeight: 10, weigh: (key) => key, delayMs: 1_000 });
    const values = [watched(numbers.load(4)), watched(numbers.load(6))];
    await turn();
    expect([batches, values.map(({ value }) => value)]).toEqual([[[4, 6]], [8, 12]]);
  });

  it('has the room of a key that nobody wants any more for another one', async () => {
    const { numbers, batches } = doubling({ maxWeight: 10, weigh: (key) => key });
    const controller = new AbortController();
    const gone = rejection(numbers.load(7, { signal: controller.signal }));
    controller.abort('left');
    await gone;
    expect(await Promise.all([numbers.load(4), numbers.load(5)])).toEqual([8, 10]);
    expect(batches).toEqual([[4, 5]]);
  });

  it('waits for more keys as long as it is told to, from the first of a batch', async () => {
    const { clock, numbers, batches } = doubling({ delayMs: 20 });
    void numbers.load(1);
    await clock.advance(19);
    void numbers.load(2);
    expect(batches).toEqual([]);
    await clock.advance(1);
    expect(batches).toEqual([[1, 2]]);
    void numbers.load(3);
    await clock.advance(20);
    expect(batches).toEqual([[1, 2], [3]]);
    void numbers.load(4);
    await numbers.flush();
    expect(clock.pendingTimers).toBe(0);
  });

  it('fails a key alone whose result is an Error, and all keys when the batch function throws', async () => {
    const odd = new Error('odd');
    const { numbers } = doubling({ batch: (keys) => keys.map((key) => (key % 2 === 1 ? odd : key)) });
    expect(await numbers.loadMany([1, 2])).toEqual([odd, 2]);
    const { numbers: failing } = doubling({ batch: () => Promise.reject(odd) });
    expect(await failing.loadMany([1, 2])).toEqual([odd, odd]);
    expect(failing.statistics.failed).toBe(2);
  });

  it('gives an Error in place of the value of a key that failed with something else', async () => {
    const words = batcher<number, string>({ batch: () => Promise.reject('just a word') });
    const [value] = await words.loadMany([1]);
    expect(value).toBeInstanceOf(Error);
    expect(value).toMatchObject({ cause: 'just a word' });
  });

  it('takes results as a Map by key, and fails a key that is not in it', async () => {
    const { numbers } = doubling({ batch: () => new Map([[1, 10]]) });
    expect(await numbers.loadMany([1, 2])).toMatchObject([10, { code: 'BATCH_RESULT', category: 'internal' }]);
  });

  it('fails all keys when what comes is neither a list nor a Map', async () => {
    for (const answer of [undefined, { length: 1, 0: 'like a list' }, 'x']) {
      const numbers = batcher<number, string>({ batch: async () => answer as never });
      expect(await rejection(numbers.load(1))).toMatchObject({ code: 'BATCH_RESULT' });
    }
  });

  it('fails all keys rather than give one the result of another when their number is not right', async () => {
    const { numbers } = doubling({ batch: () => [1] });
    expect(await numbers.loadMany([1, 2])).toMatchObject([
      { code: 'BATCH_RESULT', message: 'the batch function gave 1 results for 2 keys (batcher)' },
      { code: 'BATCH_RESULT' },
    ]);
    const { numbers: confused } = doubling({ batch: () => 'ok' as never });
    expect(await rejection(confused.load(1))).toMatchObject({ code: 'BATCH_RESULT' });
  });

  it("ends the wait of a caller that aborts at once, and nobody else's", async () => {
    const gate = deferred<void>();
    let signal!: AbortSignal;
    const { numbers } = doubling({
      batch: async (keys, context) => {
        signal = context.signal;
        await gate.promise;
        return keys;
      },
    });
    const { controller, signal: callers, ...counted } = countedController();
    const leaving = watched(numbers.load(1, { signal: callers }));
    const sharing = watched(numbers.load(1, { signal: new AbortController().signal }));
    const staying = watched(numbers.load(2));
    await turn();
    controller.abort('left');
    await turn();
    expect([leaving.error, sharing.state, staying.state, signal.aborted]).toEqual([
      'left',
      'pending',
      'pending',
      false,
    ]);
    gate.resolve();
    await turn();
    expect([sharing.value, staying.value, counted.listening]).toEqual([1, 2, 0]);
    expect(await rejection(numbers.load(3, { signal: callers }))).toBe('left');
  });

  it('does not load a key that nobody wants any more, and aborts a batch that nobody wants any more', async () => {
    const signals: AbortSignal[] = [];
    const batches: (readonly number[])[] = [];
    const { numbers } = doubling({
      batch: (keys, { signal }) => (batches.push(keys), signals.push(signal), new Promise(() => undefined)),
    });
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const early = new AbortController();
    const gone = watched(numbers.load(1, { signal: early.signal }));
    const others = [watched(numbers.load(2, options)), watched(numbers.load(3, options))];
    early.abort('early');
    await turn();
    expect([gone.error, batches]).toEqual(['early', [[2, 3]]]);
    const third = new AbortController();
    const mixed = watched(numbers.load(4, { signal: third.signal }));
    void numbers.load(5);
    await turn();
    third.abort('one of two');
    expect([mixed.state, signals[1]!.aborted]).toEqual(['pending', false]);
    controller.abort('all');
    await turn();
    expect([signals[0]!.aborted, ...others.map(({ error }) => error)]).toEqual([true, 'all', 'all']);
    const only = new AbortController();
    const alone = watched(numbers.load(4, { signal: only.signal }));
    only.abort('gone');
    await turn();
    expect([alone.error, batches]).toEqual([
      'gone',
      [
        [2, 3],
        [4, 5],
      ],
    ]);
  });

  it('takes leave of a caller while the batch function is being called, and aborts the batch when it was the last', async () => {
    const controller = new AbortController();
    const batches: (readonly number[])[] = [];
    let signal!: AbortSignal;
    const { numbers } = doubling({
      batch: (keys, context) => {
        batches.push(keys);
        signal = context.signal;
        controller.abort('left');
        return new Promise(() => undefined);
      },
    });
    const leaving = watched(numbers.load(1, { signal: controller.signal }));
    await turn();
    expect([leaving.error, batches, signal.aborted]).toEqual(['left', [[1]], true]);
  });

  it('keeps the results apart of those who came after somebody had left', async () => {
    const { numbers } = doubling({
      batch: (keys) => new Map(keys.map((key) => [key, key === 3 ? new Error('three') : key * 2])),
    });
    const { numbers: listing } = doubling();
    for (const batched of [numbers, listing]) {
      const controller = new AbortController();
      const early = [1, 2].map((key) => watched(batched.load(key, { signal: controller.signal })));
      controller.abort('left');
      const late = [2, 3, 1].map((key) => watched(batched.load(key)));
      const report = await batched.flush();
      expect(early.map(({ error }) => error)).toEqual(['left', 'left']);
      expect(late.map(({ value }) => value)).toEqual([4, batched === numbers ? undefined : 6, 2]);
      expect([...report.results.keys(), ...report.errors.keys()].toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    }
    expect(numbers.statistics.failed).toBe(1);
  });

  it('has taken the results when they are given, whatever becomes of their list', async () => {
    const list = [2, 4];
    const given = deferred<number[]>();
    const { numbers } = doubling({ maxItems: 2, batch: () => given.promise });
    const loads = numbers.loadMany([1, 2]);
    const reused = given.promise.then((results) => results.fill(0));
    given.resolve(list);
    await reused;
    expect(await loads).toEqual([2, 4]);
  });

  it('gives a batch function that looks for its signal late one that is aborted when nobody wants anything any more', async () => {
    const gate = deferred<void>();
    const seen: boolean[] = [];
    const { numbers } = doubling({
      batch: async (keys, context) => {
        await gate.promise;
        seen.push(context.signal.aborted, context.signal === context.signal);
        return keys;
      },
    });
    const controller = new AbortController();
    const gone = watched(numbers.load(1, { signal: controller.signal }));
    const other = new AbortController();
    const stays = watched(numbers.load(2, { signal: other.signal }));
    await turn();
    controller.abort('left');
    other.abort('left too');
    gate.resolve();
    await turn();
    expect([gone.error, stays.error, seen]).toEqual(['left', 'left too', [true, true]]);
  });

  it('says with a flush what came of each key, and waits for batches that went before', async () => {
    const gate = deferred<void>();
    const { numbers } = doubling({
      maxItems: 2,
      batch: async (keys) => {
        await gate.promise;
        return keys.map((key) => (key === 2 ? new Error('two') : key * 2));
      },
    });
    const loads = numbers.loadMany([1, 2, 3]);
    const flushing = watched(numbers.flush());
    await turn();
    expect(flushing.state).toBe('pending');
    gate.resolve();
    await loads;
    await turn();
    expect([...flushing.value!.results]).toEqual([
      [1, 2],
      [3, 6],
    ]);
    expect([...flushing.value!.errors]).toMatchObject([[2, { message: 'two' }]]);
    expect((await numbers.flush()).results.size).toBe(0);
  });

  it('flushes and takes nothing more when it is closed', async () => {
    const { numbers } = doubling({ name: 'doubles' });
    const load = numbers.load(1);
    expect([...(await numbers.close()).results]).toEqual([[1, 2]]);
    expect(await load).toBe(2);
    expect(await rejection(numbers.load(2))).toMatchObject({ code: 'BATCHER_CLOSED', policy: 'doubles' });
  });

  it('fails the load of a key that can not be identified or weighed, and nothing else', async () => {
    const { numbers } = doubling({
      weigh: (key) => {
        if (key === 2) throw new Error('weightless');
        return 1;
      },
    });
    expect(await numbers.loadMany([1, 2, 3])).toMatchObject([2, { message: 'weightless' }, 6]);
  });

  it('refuses options that can not be meant', () => {
    expect(() => batcher({} as never)).toThrow(/batcher.batch: expected a function of keys/);
    expect(() => doubling({ maxItems: 0 })).toThrow(/batcher.maxItems/);
    expect(() => thunkBatcher({ concurrency: 0 })).toThrow(/thunkBatcher.concurrency/);
  });
});

describe('a batcher of thunks', () => {
  it('runs the thunks of a batch together, the first of each key, and gives results and errors by key', async () => {
    const work = thunkBatcher<string, number>({ delayMs: 10, clock: new VirtualClock() });
    const ran: string[] = [];
    const thunk = (name: string, value: number) => async () => (ran.push(name), value);
    const ends = [
      watched(work.run('a', thunk('first a', 1))),
      watched(work.run('a', thunk('second a', 2))),
      // oxlint-disable-next-line prefer-promise-reject-errors -- whatever is thrown passes as it is
      watched(work.run('b', () => Promise.reject('plain'))),
    ];
    expect([work.waiting, ran]).toEqual([2, []]);
    const report = await work.flush();
    expect([[...report.results], [...report.errors]]).toEqual([[['a', 1]], [['b', 'plain']]]);
    await turn();
    expect([ran, ends.map(({ value }) => value), ends[2]!.error]).toEqual([['first a'], [1, 1, undefined], 'plain']);
    expect(work.statistics).toEqual({ batches: 1, keys: 2, shared: 1, failed: 1 });
  });

  it('runs no more of them at once than it may, and by their weight and identity', async () => {
    let running = 0;
    let most = 0;
    const work = thunkBatcher<{ id: number }, void>({
      concurrency: 2,
      maxWeight: 3,
      weigh: ({ id }) => (id === 9 ? 3 : 1),
      identify: ({ id }) => id,
      name: 'exports',
    });
    const thunk = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await turn();
      running--;
    };
    await Promise.all([1, 2, 3].map((id) => work.run({ id }, thunk)));
    await work.run({ id: 3 }, thunk);
    expect([most, work.name, work.statistics]).toEqual([2, 'exports', { batches: 2, keys: 4, shared: 0, failed: 0 }]);
    // The heavy one goes alone; equal ones share.
    await Promise.all([{ id: 1 }, { id: 1 }, { id: 9 }].map((key) => work.run(key, thunk)));
    expect(work.statistics).toEqual({ batches: 4, keys: 6, shared: 1, failed: 0 });
    await work.close();
    expect(await rejection(work.run({ id: 1 }, thunk))).toMatchObject({ code: 'BATCHER_CLOSED' });
  });
});
