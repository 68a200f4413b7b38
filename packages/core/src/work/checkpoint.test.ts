import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { deferred, microtasks, rejection } from '../testing/test-support/watched.ts';
import { type Checkpoint, parallelMap } from './index.ts';

const numbers = (length: number): number[] => Array.from({ length }, (_, index) => index);

describe('the checkpoints of parallelMap', () => {
  it('are written every so many items and at the end, with what is read, open and done', async () => {
    const saved: Checkpoint[] = [];
    const checkpoint = { every: 2, save: (state: Checkpoint) => void saved.push(state) };
    for await (const _ of parallelMap(numbers(5), (item) => item, { concurrency: 1, readAhead: 0, checkpoint }));
    expect(saved).toEqual([
      { read: 2, open: [], done: 2, failed: 0 },
      { read: 4, open: [], done: 4, failed: 0 },
      { read: 5, open: [], done: 5, failed: 0 },
    ]);
  });

  it('count an item as done only when its reader has come back for another one', async () => {
    const saved: Checkpoint[] = [];
    const checkpoint = { every: 1, save: (state: Checkpoint) => void saved.push(state) };
    const results = parallelMap(numbers(9), (item) => item, { concurrency: 1, readAhead: 0, checkpoint });
    await results.next();
    expect(saved).toEqual([]);
    await results.next();
    expect(saved).toEqual([{ read: 1, open: [], done: 1, failed: 0 }]);
    await results.return!();
    // The second one was handed out, and nobody knows whether its reader was done with it.
    expect(saved).toHaveLength(1);
  });

  it('count collected failures as done, and say how many there were', async () => {
    const saved: Checkpoint[] = [];
    const save = (state: Checkpoint): void => void saved.push(state);
    const mapper = async (item: number): Promise<number> => (item === 1 ? Promise.reject(new Error('no')) : item);
    const run = async (): Promise<void> => {
      const options = { concurrency: 2, onError: 'collect', checkpoint: { save } } as const;
      for await (const _ of parallelMap(numbers(4), mapper, options));
    };
    await rejection(run());
    expect(saved).toEqual([{ read: 4, open: [], done: 4, failed: 1 }]);
  });

  it('never overlap: a slow one is followed by one of the newest state, and the end waits for it', async () => {
    const gates = [deferred<void>(), deferred<void>()];
    const saved: Checkpoint[] = [];
    let saving = 0;
    const save = async (state: Checkpoint): Promise<void> => {
      expect(++saving).toBe(1);
      await gates[saved.push(state) - 1]!.promise;
      saving--;
    };
    let ended = false;
    const run = (async () => {
      for await (const _ of parallelMap(numbers(10), (item) => item, {
        concurrency: 1,
        checkpoint: { every: 1, save },
      }));
      ended = true;
    })();
    await microtasks(200);
    expect([saved.length, ended]).toEqual([1, false]);
    gates[0]!.resolve();
    await microtasks(50);
    expect(saved.map(({ done }) => done)).toEqual([1, 10]);
    expect(ended).toBe(false);
    gates[1]!.resolve();
    await run;
  });

  it('end the run with their error when they can not be saved, and do not try again', async () => {
    let calls = 0;
    const save = (): void => {
      calls++;
      throw new Error('disk full');
    };
    const run = async (): Promise<void> => {
      for await (const _ of parallelMap(numbers(50), async (item) => item, {
        concurrency: 3,
        checkpoint: { every: 2, save },
      }));
    };
    expect(await rejection(run())).toMatchObject({ message: 'disk full' });
    expect(calls).toBe(1);
  });

  it('do not mask the error of a mapper when the last of them can not be saved', async () => {
    const save = (): void => {
      throw new Error('disk full');
    };
    const mapper = (item: number): number => {
      if (item === 3) throw new Error('no');
      return item;
    };
    const run = async (): Promise<void> => {
      for await (const _ of parallelMap(numbers(9), mapper, { concurrency: 1, readAhead: 0, checkpoint: { save } }));
    };
    expect(await rejection(run())).toMatchObject({ message: 'no' });
  });

  it('refuse options that can not be meant', () => {
    const map = (checkpoint: object): unknown =>
      parallelMap([], (item) => item, { concurrency: 1, checkpoint: checkpoint as never });
    expect(() => map({})).toThrow(/parallelMap.checkpoint: expected where checkpoints go/);
    expect(() => map({ save: () => undefined, every: 0 })).toThrow(/parallelMap.checkpoint.every/);
  });

  it('let a run that was ended anywhere be resumed: every item is processed, none that was done twice', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          durations: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 40 }),
          concurrency: fc.integer({ min: 1, max: 6 }),
          order: fc.constantFrom('input' as const, 'completion' as const),
          leaveAfter: fc.nat({ max: 40 }),
        }),
        async ({ durations, concurrency, order, leaveAfter }) => {
          const clock = new VirtualClock();
          const processed: number[] = [];
          let last: Checkpoint = { read: 0, open: [], done: 0, failed: 0 };
          const save = (state: Checkpoint): void => {
            expect(state.done).toBe(state.read - state.open.length);
            expect(state.done).toBeGreaterThan(last.done);
            last = state;
          };
          const mapper = (item: number): Promise<number> =>
            new Promise((resolve) => void clock.setTimer(durations[item]!, () => resolve(item)));
          const process = async (items: Iterable<number>, options: object, most: number): Promise<void> => {
            let left = most;
            for await (const item of parallelMap(items, mapper, { concurrency, order, ...options })) {
              if (left-- === 0) return;
              processed.push(item);
            }
          };
          const first = process(durations.keys(), { checkpoint: { every: 3, save } }, leaveAfter);
          await clock.runAll();
          await first;
          const rest = [...last.open, ...numbers(durations.length).slice(last.read)];
          const second = process(rest, {}, Infinity);
          await clock.runAll();
          await second;
          expect(processed.toSorted((a, b) => a - b)).toEqual(numbers(durations.length));
        },
      ),
      propertyRuns(100),
    ));
});
