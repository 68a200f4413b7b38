/** What docs/coming-from/cockatiel.md promises, in virtual time. */
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  count,
  decorrelatedV2,
  exponential,
  exponentialBreak,
  fallback,
  generated,
  pipeline,
  retry,
  timeout,
} from 'breakwater';
import { recordEvents, seededRandom, VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred, microtasks, rejection, watched } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

class NetworkError extends Error {}
const down = (): Promise<never> => Promise.reject(new NetworkError('down'));
const never = (): Promise<string> => new Promise(() => undefined);
const atOnce = { backoff: constant(0) };

describe('retry', () => {
  it('handleType with maxAttempts: 3 is retryIf with maxAttempts: 4, and other errors are not handled', async () => {
    const policy = pipeline({ clock }, retry({ ...atOnce, maxAttempts: 4, retryIf: (e) => e instanceof NetworkError }));
    const [network, bug] = [vi.fn(down), vi.fn(() => Promise.reject(new RangeError('bug')))];
    expect(await rejection(policy.execute(network))).toBeInstanceOf(NetworkError);
    expect(await rejection(policy.execute(bug))).toBeInstanceOf(RangeError);
    expect([network.mock.calls.length, bug.mock.calls.length]).toEqual([4, 1]);
  });

  it('handleWhenResult is retryResultIf, and context.attempt counts from 1', async () => {
    const policy = pipeline({ clock }, retry({ ...atOnce, retryResultIf: (value) => (value as number) < 3 }));
    await expect(policy.execute(({ attempt }) => attempt)).resolves.toBe(3);
  });

  it('IterableBackoff is a generated backoff, and DelegateBackoff one that sees the error', async () => {
    const delays = [100, 200, 500];
    const listed = pipeline(
      { clock },
      retry({ maxAttempts: 4, backoff: generated(({ attempt }) => delays[attempt - 1]) }),
    );
    const events = recordEvents(listed);
    await clock.settle(listed.tryExecute(down));
    expect(events.of('retry').map(({ delayMs }) => delayMs)).toEqual(delays);
    const asked = generated(({ error }) => (error instanceof NetworkError ? 7 : undefined));
    const startedAt = clock.now();
    await clock.settle(pipeline({ clock }, retry({ backoff: asked })).tryExecute(down));
    expect(clock.now() - startedAt).toBe(14);
  });

  it('its default backoff is decorrelatedV2 with its own times: 128 ms first, and never above 30 s', async () => {
    const backoff = decorrelatedV2({ initialMs: 128, maxMs: 30_000 });
    const policy = pipeline({ clock, random: seededRandom(4) }, retry({ maxAttempts: 20, backoff }));
    const events = recordEvents(policy);
    await clock.settle(policy.tryExecute(down));
    const drawn = events.of('retry').map(({ delayMs }) => delayMs);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(30_000);
    expect(drawn[0]).toBeLessThanOrEqual(2 * 128);
  });

  it('a signal that is aborted during the wait ends the call at once, and no other attempt runs', async () => {
    const controller = new AbortController();
    const fn = vi.fn(down);
    const policy = pipeline({ clock }, retry({ backoff: exponential({ initialMs: 10_000 }), jitter: 'none' }));
    const call = watched(policy.execute(fn, { signal: controller.signal }));
    await clock.advance(1);
    controller.abort('left');
    await clock.advance(0);
    expect([call.error, fn.mock.calls.length, clock.pendingTimers]).toEqual(['left', 1, 0]);
  });

  it('onRetry and onGiveUp are events, and the latter says why', async () => {
    const policy = pipeline({ clock }, retry({ ...atOnce, maxAttempts: 2 }));
    const events = recordEvents(policy);
    await policy.tryExecute(down);
    expect(events.of('retry')).toHaveLength(1);
    expect(events.last('retry-given-up')).toMatchObject({ reason: 'max-attempts', error: { message: 'down' } });
  });
});

describe('circuit breaker', () => {
  it('ConsecutiveBreaker(5) with halfOpenAfter: 10_000', async () => {
    const breaker = circuitBreaker({ trip: consecutive(5), breakMs: 10_000 });
    const policy = pipeline({ clock }, breaker);
    const events = recordEvents(policy);
    for (let n = 0; n < 5; n++) await policy.tryExecute(down);
    expect([breaker.state, breaker.lastError]).toEqual(['open', new NetworkError('down')]);
    expect(await rejection(policy.execute(async () => 'item'))).toMatchObject({
      code: 'CIRCUIT_OPEN',
      retryAfterMs: 10_000,
    });
    await clock.advance(10_000);
    await expect(policy.execute(async () => 'item')).resolves.toBe('item');
    expect(breaker.state).toBe('closed');
    expect(events.types.filter((type) => type.startsWith('circuit'))).toEqual([
      'circuit-opened',
      'circuit-rejected',
      'circuit-half-opened',
      'circuit-closed',
    ]);
  });

  it('CountBreaker is count, and SamplingBreaker the default rule: a ratio opens as soon as it is reached', async () => {
    const counted = circuitBreaker({ trip: count(4, { failureRatio: 0.5 }) });
    const sampled = circuitBreaker({ failureRatio: 0.5, samplingMs: 10_000, minThroughput: 4 });
    for (const breaker of [counted, sampled]) {
      const policy = pipeline({ clock }, breaker);
      for (const fn of [async () => 1, async () => 1, down]) await policy.tryExecute(fn);
      expect(breaker.state).toBe('closed');
      await policy.tryExecute(down);
      expect(breaker.state).toBe('open');
    }
  });

  it('halfOpenAfter with a backoff is breakMs with a function: each break is longer than the one before', async () => {
    const breakMs = exponentialBreak({ initialMs: 1_000, base: 2 });
    const policy = pipeline({ clock }, circuitBreaker({ trip: consecutive(1), breakMs }));
    const events = recordEvents(policy);
    for (let n = 0; n < 3; n++) {
      await policy.tryExecute(down);
      await clock.advance(10_000);
    }
    expect(events.of('circuit-opened').map((event) => event.breakMs)).toEqual([1_000, 2_000, 4_000]);
  });

  it('halfOpenSampling is probes and successRatio; a call beyond them is refused and does not wait', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1), breakMs: 1_000, probes: 3, successRatio: 0.6 });
    const policy = pipeline({ clock }, breaker);
    await policy.tryExecute(down);
    await clock.advance(1_000);
    const answers = [deferred(), deferred(), deferred()];
    for (const { promise } of answers) watched(policy.execute(() => promise));
    expect(await rejection(policy.execute(async () => 'item'))).toMatchObject({ code: 'CIRCUIT_OPEN' });
    answers[0]!.reject(new NetworkError('down'));
    answers[1]!.resolve('item');
    answers[2]!.resolve('item');
    await microtasks();
    expect(breaker.state).toBe('closed');
  });

  it('isolate counts its holders, and says why', async () => {
    const breaker = circuitBreaker();
    const policy = pipeline({ clock }, breaker);
    const [first, second] = [breaker.isolate('deploy'), breaker.isolate('migration')];
    first();
    expect(await rejection(policy.execute(down))).toMatchObject({ code: 'CIRCUIT_ISOLATED', message: /migration/ });
    second();
    expect(breaker.state).toBe('closed');
  });

  it('toJSON and initialState are toJSON and hydrate, and only what is left of the break is waited for', async () => {
    const before = circuitBreaker({ trip: consecutive(1), breakMs: 10_000 });
    await pipeline({ clock }, before).tryExecute(down);
    await clock.advance(4_000);
    const saved = JSON.parse(JSON.stringify(before)) as ReturnType<typeof before.toJSON>;
    const after = circuitBreaker({ trip: consecutive(1), breakMs: 10_000 });
    pipeline({ clock }, after);
    after.hydrate(saved);
    expect([after.state, after.retryAfterMs]).toEqual(['open', 6_000]);
  });
});

describe('timeout', () => {
  it('TimeoutStrategy.Aggressive rejects at once and aborts; what comes late is told and changes nothing', async () => {
    const answer = deferred();
    const signals: AbortSignal[] = [];
    const policy = pipeline({ clock }, timeout({ timeoutMs: 2_000 }));
    const events = recordEvents(policy);
    const call = watched(
      policy.execute(({ signal }) => {
        signals.push(signal);
        return answer.promise;
      }),
    );
    await clock.advance(2_000);
    expect([call.error, signals[0]!.aborted]).toMatchObject([{ code: 'TIMEOUT' }, true]);
    answer.resolve('late');
    await microtasks();
    expect(events.last('late-result')).toMatchObject({ outcome: 'success', value: 'late' });
  });

  it('TimeoutStrategy.Cooperative aborts and awaits what the function makes of it', async () => {
    const policy = pipeline({ clock }, timeout({ timeoutMs: 100, mode: 'cooperative' }));
    const call = watched(
      policy.execute(
        ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('partial'))),
      ),
    );
    await clock.advance(100);
    expect(call.value).toBe('partial');
  });

  it('aborts no signal after a success, as abortOnReturn: false', async () => {
    let own: AbortSignal | undefined;
    await pipeline({ clock }, timeout({ timeoutMs: 100 })).execute(({ signal }) => (own = signal));
    await clock.advance(1_000);
    expect(own!.aborted).toBe(false);
  });
});

describe('bulkhead, fallback and composition', () => {
  it('bulkhead(1, 1) counts what is taken, and a queued call that is aborted leaves at once', async () => {
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 1 });
    const policy = pipeline({ clock }, gate);
    const controller = new AbortController();
    watched(policy.execute(never));
    const queued = watched(policy.execute(never, { signal: controller.signal }));
    expect(await rejection(policy.execute(never))).toMatchObject({ code: 'BULKHEAD_FULL' });
    expect([gate.running, gate.queued]).toEqual([1, 1]);
    controller.abort('left');
    await microtasks();
    expect([queued.error, gate.queued]).toEqual(['left', 0]);
  });

  it('fallback takes a value, or a function that is told the error', async () => {
    await expect(pipeline(fallback({ value: 'stale' })).execute(down)).resolves.toBe('stale');
    const told = fallback({ run: (error) => (error as Error).message });
    await expect(pipeline(told).execute(down)).resolves.toBe('down');
  });

  it('wrap(retry, breaker, timeout) is a pipeline in the same order, and noop is an empty one', async () => {
    const breaker = circuitBreaker({ trip: consecutive(9) });
    const policy = pipeline({ clock }, retry({ ...atOnce, maxAttempts: 2 }), breaker, timeout({ timeoutMs: 100 }));
    const call = watched(policy.execute(never));
    await clock.advance(200);
    expect([call.error, breaker.throughput]).toMatchObject([{ code: 'TIMEOUT' }, 2]);
    await expect(pipeline().execute(() => 'item')).resolves.toBe('item');
  });

  it('onSuccess and onFailure are call-ended, with the outcome and how long it took', async () => {
    const policy = pipeline({ clock }, retry({ backoff: constant(50), jitter: 'none', maxAttempts: 2 }));
    const events = recordEvents(policy);
    await clock.settle(policy.tryExecute(down));
    expect(events.last('call-ended')).toMatchObject({ outcome: 'failure', durationMs: 50, attempts: 2 });
  });
});
