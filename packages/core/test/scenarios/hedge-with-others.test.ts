import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  fallback,
  hedge,
  keyed,
  pipeline,
  retry,
  timeout,
} from 'breakwater';
import { VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { Attempts } from '../../src/hedge/test-support/attempts.ts';
import { microtasks, rejection, watched } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const down = new Error('down');

describe('a breaker with a hedge', () => {
  it('inside is asked about each attempt, counts each failure, and learns nothing from a loser', async () => {
    const breaker = circuitBreaker({ minThroughput: 100 });
    const calls = pipeline({ clock }, hedge({ delayMs: 0, maxAttempts: 3 }), breaker);
    const attempts = new Attempts();
    const call = watched(calls.execute(attempts.fn));
    attempts.fail(1, down);
    await microtasks();
    expect([breaker.throughput, breaker.failureRatio]).toEqual([1, 1]);
    attempts.answer(2, 'item');
    await microtasks();
    expect([call.value, breaker.throughput, breaker.failureRatio]).toEqual(['item', 2, 0.5]);
    attempts.fail(3, down);
    await microtasks();
    expect(breaker.throughput).toBe(2);
  });

  it('inside that opens meanwhile refuses a second attempt, and the first goes on', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const other = pipeline({ clock }, breaker);
    const calls = pipeline({ clock }, hedge({ delayMs: 100 }), breaker);
    const attempts = new Attempts();
    const call = watched(calls.execute(attempts.fn));
    await rejection(other.execute(() => Promise.reject(down)));
    await clock.advance(100);
    expect([breaker.state, attempts.begun, call.state]).toEqual(['open', 1, 'pending']);
    attempts.answer(1, 'item');
    await microtasks();
    expect(call.value).toBe('item');
  });

  it('inside that is open refuses the call at once, asked once', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const calls = pipeline({ clock }, hedge({ delayMs: 'on-failure', maxAttempts: 3 }), breaker);
    await rejection(calls.execute(() => Promise.reject(down)));
    let refused = 0;
    calls.on('circuit-rejected', () => refused++);
    expect(await calls.tryExecute(() => 'item')).toMatchObject({ error: { code: 'CIRCUIT_OPEN' }, attempts: 0 });
    expect(refused).toBe(1);
  });

  it('inside names in its events the run that it learnt from, numbered as in the whole call', async () => {
    const breaker = keyed(() => circuitBreaker({ trip: consecutive(4) }));
    const tries = retry({ backoff: constant(10), jitter: 'none' });
    const calls = pipeline({ clock }, tries, hedge({ delayMs: 'on-failure' }), breaker);
    const runs: unknown[] = [];
    for (const type of ['attempt-ended', 'circuit-opened'] as const)
      calls.on(type, ({ attempt }) => runs.push([type, attempt]));
    const outcome = watched(calls.tryExecute(() => Promise.reject(new Error('down')), { key: 'host' }));
    await clock.advance(100);
    expect(outcome.state).toBe('fulfilled');
    const ended = [1, 2, 3, 4].map((run) => ['attempt-ended', run]);
    expect(runs).toEqual([...ended, ['circuit-opened', 4]]);
  });

  it('outside sees one call, whatever its attempts do', async () => {
    const breaker = circuitBreaker({ minThroughput: 100 });
    const calls = pipeline({ clock }, breaker, hedge({ delayMs: 'on-failure', maxAttempts: 3 }));
    await calls.execute(({ attempt }) => (attempt < 3 ? Promise.reject(down) : 'item'));
    await rejection(calls.execute(() => Promise.reject(down)));
    expect([breaker.throughput, breaker.failureRatio]).toEqual([2, 0.5]);
  });
});

describe('a bulkhead with a hedge', () => {
  it('inside gives each attempt a permit, and has those of the losers back with the answer', async () => {
    const gate = bulkhead({ maxConcurrent: 5 });
    const calls = pipeline({ clock }, hedge({ delayMs: 0, maxAttempts: 3 }), gate);
    const attempts = new Attempts();
    watched(calls.execute(attempts.fn));
    expect(gate.running).toBe(3);
    attempts.answer(2, 'item');
    await microtasks();
    expect(gate.running).toBe(0);
  });

  it('inside whose permits return with the function keeps those of the losers until they have ended', async () => {
    const gate = bulkhead({ maxConcurrent: 5, releaseOn: 'settled' });
    const calls = pipeline({ clock }, hedge({ delayMs: 0, maxAttempts: 3 }), gate);
    const attempts = new Attempts();
    watched(calls.execute(attempts.fn));
    attempts.answer(2, 'item');
    await microtasks();
    expect(gate.running).toBe(2);
    attempts.fail(1, down);
    await microtasks();
    expect(gate.running).toBe(1);
    attempts.answer(3, 'late');
    await microtasks();
    expect(gate.running).toBe(0);
  });

  it('inside lets an attempt begin, and answer, by the end of one that was given up: nothing counts as running then', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 1, releaseOn: 'settled' });
    const calls = pipeline({ clock }, hedge({ delayMs: 10 }), gate, timeout({ timeoutMs: 40 }));
    const call = watched(
      calls.execute(({ attempt, signal }) => {
        if (attempt > 1) return 'item';
        return new Promise<string>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')));
        });
      }),
    );
    await clock.advance(40);
    expect([call.value, calls.busy, gate.running]).toEqual(['item', 0, 0]);
    await expect(calls.close()).resolves.toBe(0);
  });

  it('inside has an attempt in its queue that is not begun any more when another answers', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 5 });
    const calls = pipeline({ clock }, hedge({ delayMs: 100, maxAttempts: 2 }), timeout({ timeoutMs: 5_000 }), gate);
    const permit = await gate.acquire();
    const attempts = new Attempts();
    const call = watched(calls.execute(attempts.fn));
    await clock.advance(100);
    expect([attempts.begun, gate.queued]).toEqual([0, 2]);
    permit.release();
    expect([attempts.begun, gate.queued]).toEqual([1, 1]);
    attempts.answer(1, 'item');
    await microtasks();
    expect([call.value, gate.running, gate.queued, clock.pendingTimers]).toEqual(['item', 0, 0, 0]);
  });

  it('inside that is full refuses a second attempt, and the first goes on', async () => {
    const calls = pipeline({ clock }, hedge({ delayMs: 100 }), bulkhead({ maxConcurrent: 1 }));
    const attempts = new Attempts();
    const call = watched(calls.execute(attempts.fn));
    await clock.advance(100);
    attempts.answer(1, 'item');
    await microtasks();
    expect([attempts.begun, call.value]).toEqual([1, 'item']);
  });
});

describe('a timeout with a hedge', () => {
  it('inside limits each attempt, and one that runs out of time is followed by the next', async () => {
    const calls = pipeline({ clock }, hedge({ delayMs: 'on-failure', maxAttempts: 3 }), timeout({ timeoutMs: 100 }));
    const attempts = new Attempts();
    const call = watched(calls.execute(attempts.fn));
    await clock.advance(100);
    expect([attempts.begun, attempts.aborted]).toEqual([2, [1]]);
    expect(attempts.contexts[1]!.remainingMs).toBe(100);
    attempts.answer(2, 'item');
    await microtasks();
    expect([call.value, clock.pendingTimers]).toEqual(['item', 0]);
  });

  it('outside limits all attempts together, and is told to them as the time that is left', async () => {
    const calls = pipeline({ clock }, timeout({ timeoutMs: 250 }), hedge({ delayMs: 100, maxAttempts: 5 }));
    const attempts = new Attempts();
    const call = watched(calls.execute(attempts.fn));
    await clock.advance(200);
    expect(attempts.contexts.map(({ remainingMs }) => remainingMs)).toEqual([50, 50, 50]);
    await clock.advance(50);
    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
    expect([attempts.aborted, clock.pendingTimers]).toEqual([[1, 2, 3], 0]);
    expect(attempts.contexts[0]!.signal.reason).toBe(call.error);
  });

  it('outside that is cooperative aborts every attempt and takes an answer that still comes', async () => {
    const calls = pipeline({ clock }, timeout({ timeoutMs: 150, mode: 'cooperative' }), hedge({ delayMs: 100 }));
    const attempts = new Attempts();
    const call = watched(calls.execute(attempts.fn));
    await clock.advance(150);
    expect([attempts.aborted, call.state]).toEqual([[1, 2], 'pending']);
    attempts.answer(2, 'in the end');
    await microtasks();
    expect([call.value, clock.pendingTimers]).toEqual(['in the end', 0]);
  });
});

describe('a retry with a hedge', () => {
  it('outside tries the whole hedge again, whose attempts count on', async () => {
    const again = retry({ backoff: constant(10), jitter: 'none', maxAttempts: 2 });
    const calls = pipeline({ clock }, again, hedge({ delayMs: 100 }));
    const attempts = new Attempts();
    const call = watched(calls.tryExecute(attempts.fn));
    await clock.advance(100);
    attempts.fail(1, new Error('1'));
    attempts.fail(2, new Error('2'));
    await clock.advance(110);
    expect(attempts.contexts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    attempts.answer(4, 'item');
    await microtasks();
    expect(call.value).toEqual({ ok: true, value: 'item', attempts: 4 });
    expect(attempts.aborted).toEqual([3]);
  });

  it('inside retries within each attempt, and a loser’s wait leaves no timer', async () => {
    const again = retry({ backoff: constant(1_000), jitter: 'none' });
    const calls = pipeline({ clock }, hedge({ delayMs: 100 }), again);
    const attempts = new Attempts();
    const call = watched(calls.execute(attempts.fn));
    attempts.fail(1, down);
    await clock.advance(100);
    attempts.answer(2, 'item');
    await microtasks();
    expect([call.value, clock.pendingTimers]).toEqual(['item', 0]);
    await clock.advance(10_000);
    expect(attempts.begun).toBe(2);
  });
});

describe('a hedge with others', () => {
  it('inside a hedge cancels the attempts of its attempts', async () => {
    const calls = pipeline({ clock }, hedge({ delayMs: 0 }), hedge({ delayMs: 0 }), bulkhead());
    const attempts = new Attempts();
    const call = watched(calls.tryExecute(attempts.fn));
    expect(attempts.begun).toBe(4);
    attempts.answer(3, 'item');
    await microtasks();
    expect(call.value).toEqual({ ok: true, value: 'item', attempts: 4 });
    expect(attempts.aborted).toEqual([1, 2, 4]);
  });

  it('around a pipeline hedges its whole calls', async () => {
    const inner = pipeline({ clock, name: 'inner' }, retry({ backoff: constant(0), maxAttempts: 2 }));
    const calls = pipeline({ clock }, hedge({ delayMs: 100 }), inner);
    const attempts = new Attempts();
    const call = watched(calls.execute(attempts.fn, { key: 'k' }));
    await clock.advance(100);
    attempts.fail(1, down);
    await microtasks();
    expect(attempts.begun).toBe(3);
    attempts.answer(2, 'item');
    await microtasks();
    expect([call.value, attempts.aborted]).toEqual(['item', [3]]);
    attempts.answer(3, 'late');
    await microtasks();
    expect([calls.busy, inner.busy]).toEqual([0, 0]);
  });

  it('inside a fallback has its error replaced, once', async () => {
    let asked = 0;
    const calls = pipeline({ clock }, fallback({ run: () => ++asked }), hedge({ delayMs: 0, maxAttempts: 3 }));
    await expect(calls.execute(() => Promise.reject(down))).resolves.toBe(1);
  });

  it('between all the other policies leaves nothing behind', async () => {
    const breaker = circuitBreaker();
    const gate = bulkhead({ maxConcurrent: 2, maxQueue: 2 });
    const calls = pipeline(
      { clock },
      timeout({ timeoutMs: 10_000 }),
      retry({ backoff: constant(50), jitter: 'none' }),
      hedge({ delayMs: 100, maxAttempts: 3 }),
      breaker,
      gate,
      timeout({ timeoutMs: 250 }),
    );
    const slow = (): Promise<string> => new Promise((resolve) => clock.setTimer(400, () => resolve('late')));
    const ends = Array.from({ length: 4 }, () => watched(calls.execute(slow)));
    await clock.advance(20_000);
    expect(ends.every(({ state }) => state === 'rejected')).toBe(true);
    expect([gate.running, gate.queued, clock.pendingTimers, calls.busy]).toEqual([0, 0, 0, 0]);
  });
});
