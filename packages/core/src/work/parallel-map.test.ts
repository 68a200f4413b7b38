import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { ItemsFailedError, parallelMap, type MapperContext } from './index.ts';

/** A source that counts what is read of it and notes that it was closed. */
function countedSource(length: number) {
  const source = {
    read: 0,
    closed: 0,
    *[Symbol.iterator](): Generator<number> {
      try {
        for (let item = 0; item < length; item++) {
          source.read++;
          yield item;
        }
      } finally {
        source.closed++;
      }
    },
  };
  return source;
}

/** Mappers that end when they are told to. */
function controlledMappers() {
  const running = new Map<number, { resolve: (value: string) => void; reject: (error: unknown) => void }>();
  const contexts: MapperContext[] = [];
  const mapper = (item: number, context: MapperContext): Promise<string> =>
    new Promise((resolve, reject) => {
      contexts.push(context);
      running.set(item, { resolve, reject });
    });
  const end = (item: number): void => {
    running.get(item)!.resolve(`r${item}`);
    running.delete(item);
  };
  return { running, contexts, mapper, end };
}

const turn = () => new VirtualClock().advance(0);

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const result of results) found.push(result);
  return found;
}

describe('parallelMap', () => {
  it('maps every item of an iterable, in its order', async () => {
    expect(await all(parallelMap([1, 2, 3], (item) => item * 2, { concurrency: 2 }))).toEqual([2, 4, 6]);
    expect(await all(parallelMap(new Set<number>(), (item) => item, { concurrency: 2 }))).toEqual([]);
  });

  it('maps an async iterable and tells each mapper its index', async () => {
    async function* source(): AsyncGenerator<string> {
      yield 'a';
      await turn();
      yield 'b';
    }
    expect(await all(parallelMap(source(), (item, { index }) => `${item}${index}`, { concurrency: 5 }))).toEqual([
      'a0',
      'b1',
    ]);
  });

  it('reads nothing before a result is asked for, and then no more than it may run', async () => {
    const source = countedSource(100);
    const { mapper, running } = controlledMappers();
    const results = parallelMap(source, mapper, { concurrency: 3 });
    await turn();
    expect(source.read).toBe(0);
    void results.next();
    expect(source.read).toBe(3);
    expect(running.size).toBe(3);
  });

  it('gives equal items a result each, and waits for none of them twice', async () => {
    const results: string[] = [];
    const mapper = async (item: number, { index }: { readonly index: number }) => `${item} at ${index}`;
    for await (const result of parallelMap([7, 7, 7], mapper, { concurrency: 2 })) results.push(result);
    expect(results).toEqual(['7 at 0', '7 at 1', '7 at 2']);
  });

  it('stops when nobody asks: what runs and what waits together stay within readAhead', async () => {
    const source = countedSource(100);
    const results = parallelMap(source, async (item) => item, { concurrency: 3, readAhead: 5 });
    await results.next();
    await turn();
    expect(source.read).toBe(6);
    await results.next();
    await turn();
    expect(source.read).toBe(7);
    await results.return!();
  });

  it('runs nothing that nobody has asked for when readAhead is 0', async () => {
    const source = countedSource(10);
    const results = parallelMap(source, async (item) => item, { concurrency: 3, readAhead: 0 });
    await results.next();
    await turn();
    expect(source.read).toBe(1);
    expect(await Promise.all([results.next(), results.next()])).toMatchObject([{ value: 1 }, { value: 2 }]);
    await results.return!();
  });

  it('gives results as they finish when asked to, otherwise in input order', async () => {
    for (const [order, expected] of [
      ['completion', ['r1', 'r2', 'r0']],
      ['input', ['r0', 'r1', 'r2']],
    ] as const) {
      const { mapper, end } = controlledMappers();
      const found = all(parallelMap([0, 1, 2], mapper, { concurrency: 3, order }));
      for (const item of [1, 2, 0]) {
        await turn();
        end(item);
      }
      expect(await found).toEqual(expected);
    }
  });

  it('stops at the first failure: aborts the others, waits for them, closes the source, throws the error', async () => {
    const source = countedSource(100);
    const { mapper, running, contexts, end } = controlledMappers();
    const results = parallelMap(source, mapper, { concurrency: 3 });
    const error = new Error('no');
    const next = results.next().catch((thrown: unknown) => thrown);
    running.get(1)!.reject(error);
    await turn();
    expect(contexts.map(({ signal }) => signal.reason)).toEqual([error, error, error]);
    expect(source.closed).toBe(0);
    end(0);
    running.get(2)!.reject(new Error('aborted too'));
    expect(await next).toBe(error);
    expect(source).toMatchObject({ read: 3, closed: 1 });
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  it('treats a mapper that throws like one that rejects', async () => {
    const mapper = (item: number): number => {
      if (item === 1) throw new Error('no');
      return item;
    };
    const results = parallelMap([0, 1, 2], mapper, { concurrency: 1 });
    expect(await results.next()).toEqual({ done: false, value: 0 });
    await expect(results.next()).rejects.toThrow('no');
  });

  it('collects failures when asked to: the others go on, all are counted, a thousand kept', async () => {
    const found: number[] = [];
    const mapper = async (item: number): Promise<number> => {
      if (item % 2 === 1) throw new Error(`no ${item}`);
      return item;
    };
    const thrown: unknown = await (async () => {
      for await (const value of parallelMap(countedSource(5_000), mapper, { concurrency: 10, onError: 'collect' }))
        found.push(value);
    })().catch((error: unknown) => error);
    expect(found).toHaveLength(2_500);
    expect(thrown).toBeInstanceOf(ItemsFailedError);
    expect(thrown).toMatchObject({ code: 'ITEMS_FAILED', failed: 2_500 });
    expect((thrown as ItemsFailedError).samples).toHaveLength(1_000);
    expect((thrown as ItemsFailedError).samples[0]).toMatchObject({ index: 1 });
  });

  it('does not count the failures of one run in the next', async () => {
    const mapper = async (item: number): Promise<number> => Promise.reject(new Error(String(item)));
    for (let times = 0; times < 2; times++) {
      await expect(all(parallelMap([1, 2], mapper, { concurrency: 2, onError: 'collect' }))).rejects.toMatchObject({
        failed: 2,
      });
    }
  });

  it('ends at once when it is aborted: aborts the mappers, waits for them, closes the source, throws the reason', async () => {
    const source = countedSource(100);
    const { mapper, contexts, end } = controlledMappers();
    const controller = new AbortController();
    const results = parallelMap(source, mapper, { concurrency: 2, signal: controller.signal });
    const next = results.next().catch((thrown: unknown) => thrown);
    controller.abort('enough');
    expect(contexts.every(({ signal }) => signal.aborted)).toBe(true);
    end(0);
    end(1);
    expect(await next).toBe('enough');
    expect(source).toMatchObject({ read: 2, closed: 1 });
  });

  it('does not begin with a signal that is aborted already', async () => {
    const source = countedSource(100);
    const results = parallelMap(source, (item) => item, { concurrency: 2, signal: AbortSignal.abort('no') });
    await expect(results.next()).rejects.toBe('no');
    expect(source.read).toBe(0);
  });

  it('throws the reason of an abort that came while nobody asked', async () => {
    const controller = new AbortController();
    const results = parallelMap([1, 2, 3], (item) => item, { concurrency: 1, signal: controller.signal });
    await results.next();
    controller.abort('enough');
    await turn();
    await expect(results.next()).rejects.toBe('enough');
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  it('does not wait for a source that never answers', async () => {
    const controller = new AbortController();
    let closed = false;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: () => {
          closed = true;
          return new Promise(() => undefined);
        },
      }),
    };
    const next = parallelMap(source, (item) => item, { concurrency: 1, signal: controller.signal }).next();
    controller.abort('enough');
    await expect(next).rejects.toBe('enough');
    expect(closed).toBe(true);
  });

  it('cleans up when the loop is left early', async () => {
    const source = countedSource(100);
    let aborted = 0;
    const mapper = (item: number, { signal }: MapperContext): Promise<number> =>
      item === 0
        ? Promise.resolve(item)
        : new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted++;
              reject(new Error('aborted'));
            });
          });
    for await (const value of parallelMap(source, mapper, { concurrency: 4 })) {
      expect(value).toBe(0);
      break;
    }
    expect(aborted).toBe(4);
    expect(source).toMatchObject({ read: 5, closed: 1 });
  });

  it('lets go of the signal that it was given', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    await all(parallelMap([1, 2, 3], (item) => item, { concurrency: 2, signal }));
    expect(listeners).toBe(0);
  });

  it('throws the error of a source that fails, after what runs has ended', async () => {
    function* source(): Generator<number> {
      yield 1;
      throw new Error('torn');
    }
    const { mapper, end } = controlledMappers();
    const next = parallelMap(source(), mapper, { concurrency: 2 }).next();
    end(1);
    await expect(next).rejects.toThrow('torn');
  });

  it('tells whoever leaves the loop that the source failed to close', async () => {
    const source: Iterable<number> = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: 1 }),
        return: () => {
          throw new Error('jammed');
        },
      }),
    };
    const results = parallelMap(source, (item) => item, { concurrency: 1 });
    await results.next();
    await expect(results.return!()).rejects.toThrow('jammed');
  });

  it('goes through a long synchronous source without going deep', async () => {
    let sum = 0;
    for await (const value of parallelMap(countedSource(100_000), (item) => item, {
      concurrency: 1_000,
      readAhead: Infinity,
    }))
      sum += value;
    expect(sum).toBe(4_999_950_000);
  });

  it('refuses options that can not be meant', () => {
    expect(() => parallelMap([], (item) => item, { concurrency: 0 })).toThrow(/parallelMap.concurrency/);
    expect(() => parallelMap([], (item) => item, { concurency: 1 } as never)).toThrow(/did you mean concurrency/);
  });
});
