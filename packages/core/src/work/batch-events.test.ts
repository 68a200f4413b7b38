import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { BatchWatcher, DepartingBatch } from '../policy/batch-watcher.ts';
import { batcher, type Batcher, type BatcherEvents, type BatcherOptions, thunkBatcher } from './index.ts';

type Told = Record<string, unknown>;

/** What a source tells, without the envelope that all events have. */
function heard(source: { on: Batcher<number, number>['on'] }): Told[] {
  const events: Told[] = [];
  source.on('*', ({ pipeline: _none, key: _key, timestamp: _now, ...event }) => void events.push(event));
  return events;
}

/** A batcher whose function takes 20 ms, and fails for the keys below 0. */
function slow(options: Partial<BatcherOptions<number, number>> = {}) {
  const clock = new VirtualClock();
  const numbers = batcher<number, number>({
    name: 'numbers',
    clock,
    batch: async (keys) => {
      await new Promise<void>((resolve) => void clock.setTimer(20, resolve));
      return keys.map((key) => (key < 0 ? new RangeError('negative') : key));
    },
    ...options,
  });
  return { clock, numbers };
}

describe('the events of a batcher', () => {
  it('tell that a batch goes, and how it ended, with its size, its wait, how long it took and how many keys failed', async () => {
    const { clock, numbers } = slow({ delayMs: 50 });
    const events = heard(numbers);
    const loads = numbers.loadMany([1, -2]);
    await clock.advance(10);
    const late = numbers.load(3);
    await clock.advance(100);
    await Promise.all([loads, late]);
    const facts = { policy: 'numbers', size: 3, weight: 3, reason: 'delay', waitedMs: 50 };
    expect(events).toEqual([
      { type: 'batch-flushed', ...facts },
      { type: 'batch-ended', ...facts, durationMs: 20, failed: 1, outcome: 'success', error: undefined },
    ]);
  });

  it.each<[string, Partial<BatcherOptions<number, number>>, readonly number[]]>([
    ['count', { maxItems: 2 }, [1, 2]],
    ['weight', { maxWeight: 10, weigh: (key) => key }, [4, 6]],
    // Of these the second does not fit beside the first, and both go alone.
    ['weight', { maxWeight: 10, weigh: (key) => key }, [9, 10]],
    ['delay', {}, [1, 2]],
    ['explicit', { delayMs: 60_000 }, [1, 2]],
  ])('name %s as the reason why it went', async (reason, options, keys) => {
    const { clock, numbers } = slow(options);
    const reasons: string[] = [];
    numbers.on('batch-flushed', (event) => reasons.push(event.reason));
    const loads = numbers.loadMany(keys);
    if (reason === 'explicit') void numbers.flush();
    await clock.advance(100);
    await loads;
    expect(new Set(reasons)).toEqual(new Set([reason]));
  });

  it('tell a batch function that throws as a failure of all keys, with its error', async () => {
    const down = new Error('down');
    const { numbers } = slow({ batch: () => Promise.reject(down) });
    const events = heard(numbers);
    await numbers.loadMany([1, 2]);
    expect(events[1]).toMatchObject({ type: 'batch-ended', failed: 2, outcome: 'failure', error: down });
  });

  it('tell an answer that is none as a failure of the batch', async () => {
    const { numbers } = slow({ batch: () => [] });
    const events = heard(numbers);
    await numbers.loadMany([1]);
    expect(events[1]).toMatchObject({ failed: 1, outcome: 'failure', error: { code: 'BATCH_RESULT' } });
  });

  it('tell thunks that failed as failed keys', async () => {
    const thunks = thunkBatcher<string, number>({ name: 'pings' });
    const events = heard(thunks);
    const fail = (): never => {
      throw new Error('no answer');
    };
    await Promise.allSettled([thunks.run('a', () => 1), thunks.run('b', fail), thunks.run('c', fail)]);
    expect(events[1]).toMatchObject({ policy: 'pings', size: 3, failed: 2, outcome: 'success' });
    expect(thunks.statistics).toMatchObject({ keys: 3, failed: 2 });
  });

  it('tell nothing of a batch that was begun while nobody listened, and nothing of one that everybody has left', async () => {
    const { clock, numbers } = slow({ delayMs: 50 });
    const early = numbers.load(1);
    const events = heard(numbers);
    await clock.advance(100);
    await early;
    const controller = new AbortController();
    const left = numbers.load(2, { signal: controller.signal }).catch(() => 'left');
    controller.abort();
    await clock.advance(100);
    expect([await left, events]).toEqual(['left', []]);
  });

  it('read no clock and build nothing while nobody listens', async () => {
    const clock = new VirtualClock();
    const readings = vi.spyOn(clock, 'now');
    const numbers = batcher<number, number>({ clock, batch: (keys) => [...keys] });
    await numbers.loadMany([1, 2]);
    expect(readings).not.toHaveBeenCalled();
    numbers.on('batch-flushed', () => undefined);
    await numbers.loadMany([1, 2]);
    expect(readings).toHaveBeenCalled();
  });

  it('survive a listener that throws, which is told', async () => {
    const { clock, numbers } = slow();
    const types: string[] = [];
    numbers.on('batch-flushed', () => {
      throw new Error('bug');
    });
    numbers.on('*', ({ type }) => types.push(type));
    const load = numbers.load(1);
    await clock.advance(100);
    expect(await load).toBe(1);
    expect(types).toEqual(['hook-failed', 'batch-flushed', 'batch-ended']);
  });

  it('are told no more after unsubscribing', async () => {
    const { clock, numbers } = slow();
    const types: (keyof BatcherEvents)[] = [];
    const stop = numbers.on('batch-ended', ({ type }) => types.push(type));
    for (let n = 0; n < 2; n++) {
      const load = numbers.load(n);
      await clock.advance(100);
      await load;
      stop();
    }
    expect(types).toEqual(['batch-ended']);
  });
});

describe('watching batches', () => {
  const record = (log: unknown[]): BatchWatcher => {
    let batch: DepartingBatch | undefined;
    return () => ({
      joined: () => void log.push('joined'),
      run: (departing, run) => {
        batch = departing;
        log.push('goes');
        const result = run();
        log.push('has gone');
        return result;
      },
      ended: (failed, failure) => void log.push(['ended', batch?.size, failed, failure?.error]),
    });
  };

  it('sees every load within the load, those that share a key too, then stands around the batch function', async () => {
    const log: unknown[] = [];
    const numbers = batcher<number, number>({
      batch: (keys) => {
        log.push('function');
        return [...keys];
      },
    });
    numbers.watchBatches(record(log));
    void numbers.load(1);
    log.push('after the first');
    await Promise.all([numbers.load(1), numbers.load(2)]);
    await numbers.flush();
    expect(log).toEqual([
      'joined',
      'after the first',
      'joined',
      'joined',
      'goes',
      'function',
      'has gone',
      ['ended', 2, 0, undefined],
    ]);
  });

  it('lets several stand around each other, and ends for each by itself', async () => {
    const [one, other]: [unknown[], unknown[]] = [[], []];
    const thunks = thunkBatcher<number, number>();
    const stop = thunks.watchBatches(record(one));
    thunks.watchBatches(record(other));
    expect(await thunks.run(1, () => 7)).toBe(7);
    stop();
    stop();
    expect(await thunks.run(1, () => 8)).toBe(8);
    await thunks.flush();
    expect([one.length, other.length]).toEqual([4, 8]);
  });

  it('is told what the batch function threw', async () => {
    const log: unknown[] = [];
    const numbers = batcher<number, number>({
      batch: () => {
        throw new RangeError('down');
      },
    });
    numbers.watchBatches(record(log));
    await numbers.loadMany([1]);
    await numbers.flush();
    expect(log).toEqual(['joined', 'goes', ['ended', 1, 1, new RangeError('down')]]);
  });
});
