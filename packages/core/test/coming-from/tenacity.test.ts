/** What docs/coming-from/tenacity.md promises, in virtual time. */
import { constant, exponential, fallback, linear, pipeline, retry, type RetryOptions, timeout } from 'breakwater';
import { generated, retryAsync } from 'breakwater/retry';
import { recordEvents, seededRandom, VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { rejection, watched } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const down = (): Promise<never> => Promise.reject(new Error('down'));

/** The waits of a call that always fails. */
async function waits(options: RetryOptions): Promise<number[]> {
  const calls = pipeline({ clock, random: seededRandom(1) }, retry({ jitter: 'none', ...options }));
  const events = recordEvents(calls);
  await clock.settle(calls.tryExecute(down));
  return events.of('retry').map(({ delayMs }) => delayMs);
}

describe('stopping', () => {
  it('stop_after_attempt(7) is maxAttempts: 7, the first call included, and the last error comes out itself', async () => {
    const fn = vi.fn(({ attempt }: { attempt: number }) => Promise.reject(new Error(`failure ${attempt}`)));
    const calls = pipeline({ clock }, retry({ maxAttempts: 7, backoff: constant(0) }));
    expect(await rejection(calls.execute(fn))).toEqual(new Error('failure 7'));
    expect(fn).toHaveBeenCalledTimes(7);
  });

  it('stop_before_delay(10) is maxElapsedMs: 10_000, and no attempt begins later', async () => {
    const begun: number[] = [];
    const fn = (): Promise<never> => {
      begun.push(clock.now());
      return down();
    };
    const backoff = constant(3_000);
    const calls = pipeline({ clock }, retry({ backoff, jitter: 'none', maxAttempts: 99, maxElapsedMs: 10_000 }));
    const events = recordEvents(calls);
    await clock.settle(calls.tryExecute(fn));
    expect(begun).toEqual([0, 3_000, 6_000, 9_000]);
    expect(events.last('retry-given-up')).toMatchObject({ reason: 'max-elapsed' });
  });

  it('stop conditions joined by | are several options: the first that is reached ends it', async () => {
    const options = { backoff: constant(1_000), maxElapsedMs: 2_500 };
    expect(await waits({ ...options, maxAttempts: 99 })).toHaveLength(2);
    expect(await waits({ ...options, maxAttempts: 2 })).toHaveLength(1);
  });

  it('stop conditions joined by & are a condition in retryIf, which is told the attempt', async () => {
    const retryIf = (_error: unknown, attempt: number): boolean => attempt < 3 || clock.now() < 5_000;
    expect(await waits({ backoff: constant(1_000), maxAttempts: 99, retryIf })).toHaveLength(5);
  });

  it('stop_when_event_set is a signal, and ends the wait at once', async () => {
    const controller = new AbortController();
    const calls = pipeline({ clock }, retry({ backoff: constant(60_000), jitter: 'none' }));
    const call = watched(calls.execute(down, { signal: controller.signal }));
    await clock.advance(1);
    controller.abort('shutting down');
    await clock.advance(0);
    expect([call.error, clock.now(), clock.pendingTimers]).toEqual(['shutting down', 1, 0]);
  });
});

describe('waiting', () => {
  it('wait_fixed, wait_exponential(multiplier=1, min=4, max=10) and wait_incrementing', async () => {
    const six = { maxAttempts: 6 };
    expect(await waits({ ...six, backoff: constant(2_000) })).toEqual([2_000, 2_000, 2_000, 2_000, 2_000]);
    const backoff = exponential({ initialMs: 1_000, maxMs: 10_000 });
    expect(await waits({ ...six, backoff, minMs: 4_000 })).toEqual([4_000, 4_000, 4_000, 8_000, 10_000]);
    expect(await waits({ ...six, backoff: linear({ initialMs: 500 }) })).toEqual([500, 1_000, 1_500, 2_000, 2_500]);
  });

  it('wait_random_exponential is the default jitter: from 0 to the delay, and never above the cap', async () => {
    const backoff = exponential({ initialMs: 500, maxMs: 10_000 });
    for (let n = 0; n < 200; n++) {
      const drawn = await waits({ backoff, jitter: 'full', maxAttempts: 9 });
      for (const [index, delayMs] of drawn.entries()) {
        expect(delayMs).toBeLessThanOrEqual(Math.min(10_000, 500 * 2 ** index));
        expect(delayMs).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it('wait_random, wait_chain and wait_combine are a generated backoff', async () => {
    const between = generated(({ random }) => 1_000 + random.next() * 1_000);
    for (const delayMs of await waits({ backoff: between, maxAttempts: 50 })) {
      expect(delayMs).toBeGreaterThanOrEqual(1_000);
      expect(delayMs).toBeLessThan(2_000);
    }
    const chain = [3_000, 3_000, 3_000, 7_000, 7_000, 9_000];
    const chained = generated(({ attempt }) => chain[attempt - 1] ?? 9_000);
    expect(await waits({ backoff: chained, maxAttempts: 9 })).toEqual([...chain, 9_000, 9_000]);
    const summed = generated(({ attempt }) => 3_000 + 500 * attempt);
    expect(await waits({ backoff: summed, maxAttempts: 3 })).toEqual([3_500, 4_000]);
  });

  it('a wait made from the exception is retryAfterMs on the error, or a generated backoff, which may be async', async () => {
    const busy = (): Promise<never> => Promise.reject(Object.assign(new Error('busy'), { retryAfterMs: 1_234 }));
    const calls = pipeline({ clock }, retry());
    await clock.settle(calls.tryExecute(busy));
    expect(clock.now()).toBe(2 * 1_234);
    const asked = generated(async ({ error }) => (error as Error).message.length * 100);
    expect(await waits({ backoff: asked })).toEqual([400, 400]);
  });
});

describe('whether to retry', () => {
  class ConnectionError extends Error {}

  it('retry_if_exception_type is retryIf, and other errors come out at once', async () => {
    const fn = vi.fn(({ attempt }: { attempt: number }) =>
      Promise.reject(attempt === 1 ? new ConnectionError('reset') : new RangeError('bug')),
    );
    const calls = pipeline({ clock }, retry({ maxAttempts: 9, retryIf: (error) => error instanceof ConnectionError }));
    expect(await rejection(clock.settle(calls.execute(fn)))).toBeInstanceOf(RangeError);
    expect(fn).toHaveBeenCalledTimes(2);
  });

  it('retry_if_exception_message and retry_if_exception_cause_type look at the error as well', async () => {
    const caused = new Error('wrapped', { cause: new ConnectionError('reset') });
    const retryIf = (error: unknown): boolean => (error as Error).cause instanceof ConnectionError;
    const fn = vi.fn(() => Promise.reject(caused));
    await clock.settle(pipeline({ clock }, retry({ retryIf })).tryExecute(fn));
    expect(fn).toHaveBeenCalledTimes(3);
  });

  it('retry_if_result is retryResultIf, and the last value comes out instead of a RetryError', async () => {
    const fn = vi.fn(async () => null);
    const calls = pipeline({ clock }, retry({ retryResultIf: (value) => value === null }));
    expect(await clock.settle(calls.tryExecute(fn))).toEqual({ ok: true, value: null, attempts: 3 });
  });

  it('retry_unless_exception_type goes on until that error comes', async () => {
    const fn = async ({ attempt }: { attempt: number }): Promise<string> => {
      if (attempt === 4) throw new ConnectionError('end of stream');
      return `part ${attempt}`;
    };
    const retryIf = (error: unknown): boolean => !(error instanceof ConnectionError);
    const calls = pipeline({ clock }, retry({ maxAttempts: 99, retryIf, retryResultIf: () => true }));
    expect(await rejection(clock.settle(calls.execute(fn)))).toEqual(new ConnectionError('end of stream'));
  });
});

describe('around an attempt', () => {
  it('retry_error_callback is a fallback around the retry', async () => {
    const last = fallback({ run: (error) => `gave up: ${(error as Error).message}` });
    await expect(clock.settle(pipeline({ clock }, last, retry()).execute(down))).resolves.toBe('gave up: down');
  });

  it('before, after and before_sleep are the context, an event and onRetry, in this order', async () => {
    const seen: string[] = [];
    const onRetry: RetryOptions['onRetry'] = ({ attempt, delayMs }) => seen.push(`sleep ${delayMs} after ${attempt}`);
    const calls = pipeline({ clock }, retry({ backoff: constant(100), jitter: 'none', maxAttempts: 2, onRetry }));
    calls.on('attempt-ended', ({ attempt, outcome }) => seen.push(`after ${attempt}: ${outcome}`));
    await clock.settle(
      calls.execute(async ({ attempt }) => {
        seen.push(`before ${attempt}`);
        if (attempt === 1) throw new Error('down');
      }),
    );
    expect(seen).toEqual(['before 1', 'after 1: failure', 'sleep 100 after 1', 'before 2', 'after 2: success']);
  });

  it('statistics are those of the policy, over all its calls', async () => {
    const attempts = retry({ backoff: constant(100), jitter: 'none' });
    const calls = pipeline({ clock }, attempts);
    await clock.settle(calls.tryExecute(down));
    await calls.execute(async () => 'item');
    expect(attempts.statistics).toMatchObject({
      calls: 2,
      retries: 2,
      succeededFirst: 1,
      failed: 1,
      totalDelayMs: 200,
    });
  });
});

describe('what is different', () => {
  it('a bare retry ends after three attempts with growing waits', async () => {
    const fn = vi.fn(down);
    await clock.settle(pipeline({ clock, random: seededRandom(2) }, retry()).tryExecute(fn));
    expect(fn).toHaveBeenCalledTimes(3);
    expect(clock.now()).toBeGreaterThan(0);
    expect(clock.now()).toBeLessThanOrEqual(3_000);
  });

  it('a wait that the time limit around it can’t fit is not begun: the error comes back before', async () => {
    const calls = pipeline(
      { clock },
      timeout({ timeoutMs: 5_000 }),
      retry({ backoff: constant(6_000), jitter: 'none' }),
    );
    expect(await rejection(clock.settle(calls.execute(down)))).toEqual(new Error('down'));
    expect(clock.now()).toBe(0);
  });

  it('in one line it is retryAsync, and enabled=False is maxAttempts: 1', async () => {
    const fn = vi.fn(down);
    expect(await rejection(retryAsync(fn, { maxAttempts: 1, clock }))).toEqual(new Error('down'));
    expect(fn).toHaveBeenCalledTimes(1);
    await expect(
      clock.settle(retryAsync(async ({ attempt }) => (attempt === 1 ? down() : 'item'), { clock, maxAttempts: 5 })),
    ).resolves.toBe('item');
  });
});
