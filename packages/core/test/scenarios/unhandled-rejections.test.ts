import { bulkhead, circuitBreaker, constant, fallback, generated, hedge, pipeline, retry, timeout } from 'breakwater';
import { VirtualClock } from 'breakwater/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';

let unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
beforeEach(() => {
  unhandled = [];
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
});

const down = (): Promise<never> => Promise.reject(new Error('down'));
const stubborn = (): Promise<string> =>
  new Promise((_resolve, reject) => queueMicrotask(() => reject(new Error('late'))));

it('no rejection is left unhandled by a pipeline, whoever ends the call and whatever comes late', async () => {
  const clock = new VirtualClock();
  const rows = [
    () => pipeline({ clock }, retry({ backoff: constant(0) })),
    () =>
      pipeline(
        { clock },
        timeout({ timeoutMs: 10 }),
        retry({ backoff: constant(5) }),
        bulkhead({ maxConcurrent: 1, maxQueue: 1 }),
      ),
    () => pipeline({ clock }, hedge({ delayMs: 5, maxAttempts: 3 }), retry({ backoff: generated(down) })),
    () => pipeline({ clock }, fallback({ run: down }), circuitBreaker({ minThroughput: 1 })),
    () =>
      pipeline(
        { clock },
        { kind: 'race', around: (_context, next) => Promise.race([next(), next()]) },
        timeout({ timeoutMs: 10 }),
      ),
    () => pipeline({ clock }, pipeline({ clock }, timeout({ timeoutMs: 10 }), retry({ backoff: constant(0) }))),
  ];
  for (const make of rows) {
    for (const fn of [down, stubborn, () => new Promise<string>(() => undefined)]) {
      const controller = new AbortController();
      const calls = make();
      const ends = [calls.tryExecute(fn), calls.tryExecute(fn, { signal: controller.signal, deadlineMs: 30 })];
      ends.push(calls.tryExecute(fn, { signal: AbortSignal.abort() }));
      await clock.advance(3);
      controller.abort();
      await clock.advance(100);
      expect(calls.busy).toBeLessThanOrEqual(6);
      void ends;
    }
  }
  await clock.advance(1);
  expect(unhandled).toEqual([]);
});

it('a caller that does not listen to its own rejection hears of it once, as with any promise', async () => {
  const clock = new VirtualClock();
  void pipeline({ clock }, retry({ maxAttempts: 1 })).execute(down);
  await clock.advance(1);
  expect(unhandled).toEqual([new Error('down')]);
});
