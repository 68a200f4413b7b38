import { beforeEach, describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { ConfigurationError } from '../errors/configuration-error.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { CoalescingClock } from '../testing/test-support/coalescing-clock.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { CircuitIsolatedError, CircuitOpenError } from './errors.ts';
import { circuitBreakerDefaults, type CircuitBreakerOptions } from './options.ts';
import { down, fail, guarded as guardedOn, up, type Calls } from './test-support/guarded.ts';
import { consecutive } from './trip-rules.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

function guarded(options: CircuitBreakerOptions = {}) {
  return guardedOn(clock, options);
}

describe('a closed breaker', () => {
  it('opens by default at half of at least ten calls within ten seconds, for thirty seconds', async () => {
    const breaker = circuitBreaker({ clock });
    const calls = pipeline(breaker);
    for (let n = 0; n < 5; n++) await calls.execute(up);
    await fail(calls, 4);
    expect([breaker.state, breaker.throughput, breaker.failureRatio]).toEqual(['closed', 9, 4 / 9]);
    await fail(calls);
    expect(breaker.state).toBe('open');
    expect(breaker.retryAfterMs).toBe(30_000);
    expect(breaker.lastError).toEqual(new Error('down'));
  });

  it('does not open by one failure after an idle hour, however many there were before it', async () => {
    const breaker = circuitBreaker({ clock });
    const calls = pipeline(breaker);
    for (let n = 0; n < 6; n++) await calls.execute(up);
    await fail(calls, 5);
    await clock.advance(3_600_000);
    expect(breaker.throughput).toBe(0);
    await fail(calls);
    expect([breaker.state, breaker.throughput]).toEqual(['closed', 1]);
  });

  it('does not open by five failures in 5,005 calls, since failures fall out of its window', async () => {
    const { breaker, calls } = guarded({ trip: undefined, minThroughput: 5 });
    for (let n = 0; n < 5_005; n++) {
      if (n % 1_001 === 500) await fail(calls);
      else await calls.execute(up);
    }
    expect(breaker.state).toBe('closed');
  });

  it('opens exactly when the ratio is reached, whatever the rounding of ratio times calls', async () => {
    const { breaker, calls } = guarded({ trip: undefined, failureRatio: 0.55, minThroughput: 100 });
    for (let n = 0; n < 45; n++) await calls.execute(up);
    await fail(calls, 54);
    expect(breaker.state).toBe('closed');
    await fail(calls);
    expect(breaker.state).toBe('open');
  });

  it('starts a consecutive rule anew with each success', async () => {
    const { breaker, calls } = guarded({ trip: consecutive(3) });
    await fail(calls, 2);
    await calls.execute(up);
    await fail(calls, 2);
    expect([breaker.state, breaker.throughput, breaker.failureRatio]).toEqual(['closed', 2, 1]);
    await fail(calls);
    expect(breaker.state).toBe('open');
  });

  it.each([new TypeError('fetch failed'), 'a string', undefined, null, { status: 503 }])(
    'counts whatever a function fails with, by default: %s',
    async (thrown) => {
      const { breaker, calls } = guarded();
      await rejection(calls.execute(() => Promise.reject(thrown)));
      expect([breaker.state, breaker.lastError]).toEqual(['open', thrown]);
      const sync = guarded();
      await rejection(
        sync.calls.execute(() => {
          throw thrown;
        }),
      );
      expect(sync.breaker.state).toBe('open');
    },
  );

  it('remembers no more of ten thousand calls than of ten, however slow they are', async () => {
    const { breaker, calls } = guarded({ trip: undefined, failureRatio: 1, slowCallMs: 50, slowCallRatio: 1 });
    const remembered: number[] = [];
    for (const times of [10, 10_000]) {
      for (let n = 0; n < times; n++) await calls.tryExecute(n % 2 === 0 ? down : up);
      remembered.push(breaker.toJSON().window!.counts.length);
    }
    expect(breaker.throughput).toBe(10_010);
    expect(remembered[1]).toBe(remembered[0]);
  });

  it('counts every error of a started call by default, whatever library made it and whatever was thrown', async () => {
    const thrown: readonly unknown[] = [
      new TypeError('fetch failed'),
      Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
      new DOMException('timed out', 'TimeoutError'),
      { status: 503 },
      'down',
      undefined,
    ];
    const { breaker, calls } = guarded({ trip: consecutive(thrown.length) });
    for (const error of thrown) {
      expect(breaker.state).toBe('closed');
      await calls.tryExecute(() => Promise.reject(error as Error));
    }
    expect(breaker.state).toBe('open');
  });

  it('counts as a failure only what its condition says, errors and results', async () => {
    const { breaker, calls } = guarded({
      failureIf: (error) => error instanceof RangeError,
      failureResultIf: (value) => value === 'bad',
    });
    await fail(calls, 3);
    expect(breaker.state).toBe('closed');
    await calls.execute(() => 'bad');
    expect(breaker.state).toBe('open');
    expect(breaker.lastError).toBe('bad');
    breaker.reset();
    await rejection(calls.execute(() => Promise.reject(new RangeError('x'))));
    expect(breaker.state).toBe('open');
  });

  it('takes an error as a failure and a result as none when its condition throws, and tells that', async () => {
    const bug = (): never => {
      throw new TypeError('bug');
    };
    const { breaker, calls } = guarded({ failureIf: bug, failureResultIf: bug });
    const hooks: string[] = [];
    calls.on('hook-failed', ({ hook }) => hooks.push(hook));
    await expect(calls.execute(up)).resolves.toBe('item');
    expect(breaker.state).toBe('closed');
    await fail(calls);
    expect(breaker.state).toBe('open');
    expect(hooks).toEqual(['failureResultIf', 'failureIf']);
  });

  it('counts a call that ran out of time outside as a failure, and one that its caller cancelled as nothing', async () => {
    const { breaker } = guarded({ trip: consecutive(2) });
    const calls = pipeline(timeout({ timeoutMs: 100 }), breaker);
    const hang = (): Promise<string> => new Promise(() => undefined);
    const controller = new AbortController();
    watched(calls.execute(hang, { signal: controller.signal }));
    controller.abort();
    expect([breaker.state, breaker.throughput]).toEqual(['closed', 0]);
    const late = watched(calls.execute(hang));
    await clock.advance(100);
    expect([late.error, breaker.throughput]).toEqual([expect.objectContaining({ code: 'TIMEOUT' }), 1]);
    expect(breaker.lastError).toBe(late.error);
    watched(calls.execute(hang, { deadlineMs: 50 }));
    await clock.advance(50);
    expect(breaker.state).toBe('open');
  });

  it('counts a second attempt for itself: one that a policy further in refused says nothing', async () => {
    const { breaker } = guarded({ trip: consecutive(5) });
    const gate = bulkhead({ maxConcurrent: 1 });
    const calls = pipeline(retry({ maxAttempts: 2, backoff: constant(10) }), breaker, gate);
    const call = watched(calls.execute(down));
    await microtasks();
    const permit = await gate.acquire();
    await clock.advance(10);
    expect([(call.error as { code: string }).code, breaker.throughput]).toEqual(['BULKHEAD_FULL', 1]);
    permit.release();
  });

  it('holds no call up: a thousand run at once, and no timer is set for it', async () => {
    const { calls } = guarded();
    const answer = deferred();
    const running = Array.from({ length: 1_000 }, () => calls.execute(() => answer.promise));
    expect(calls.busy).toBe(1_000);
    expect(clock.pendingTimers).toBe(0);
    answer.resolve('item');
    await Promise.all(running);
  });
});

describe('an open breaker', () => {
  it('refuses calls with the time after which another try makes sense, and does not start the function', async () => {
    const { calls, breaker } = guarded();
    await fail(calls);
    await clock.advance(400);
    const fn = vi.fn();
    const error = await rejection(calls.execute(fn));
    expect(error).toMatchObject({
      name: 'CircuitOpenError',
      code: 'CIRCUIT_OPEN',
      category: 'circuit_breaker',
      retryAfterMs: 600,
    });
    expect(fn).not.toHaveBeenCalled();
    expect([breaker.state, breaker.timeInStateMs, breaker.retryAfterMs]).toEqual(['open', 400, 600]);
  });

  it('has its failure rate not diluted by its own refusals', async () => {
    const { breaker, calls } = guarded({ trip: undefined, minThroughput: 2, samplingMs: 60_000 });
    await fail(calls, 2);
    await fail(calls, 100);
    expect([breaker.throughput, breaker.failureRatio]).toEqual([2, 1]);
  });

  it('reads no clock for the calls that it refuses while its break has long to go, and is exact at its end', async () => {
    const coalescing = new CoalescingClock();
    const breaker = circuitBreaker({ clock: coalescing, trip: consecutive(1), breakMs: 30_000 });
    const calls = pipeline(breaker);
    await fail(calls, 2);
    coalescing.readings = 0;
    await fail(calls, 100);
    expect(coalescing.readings).toBe(0);
    await coalescing.virtual.advance(29_000);
    await fail(calls, 10);
    expect(coalescing.readings).toBeGreaterThanOrEqual(10);
    await coalescing.virtual.advance(999);
    expect(await rejection(calls.execute(up))).toMatchObject({ retryAfterMs: 1 });
    await coalescing.virtual.advance(1);
    await expect(calls.execute(up)).resolves.toBe('item');
  });

  it('asks for no longer a wait than its whole break, by whichever time it goes', async () => {
    const clockOfBoth = new CoalescingClock();
    const make = (): Calls => pipeline(circuitBreaker({ clock: clockOfBoth, trip: consecutive(1), breakMs: 30_000 }));
    const [calls, others] = [make(), make()];
    await fail(others, 2);
    // The time that is at hand without reading the clock is still that of the other's refusal.
    await clockOfBoth.virtual.advance(40);
    await fail(calls);
    expect(await rejection(calls.execute(up))).toMatchObject({ retryAfterMs: 30_000 });
  });

  it('is changed by no outcome of a call that began while it was closed', async () => {
    const { breaker, calls } = guarded({ trip: consecutive(1), breakMs: 1_000 });
    const late = [deferred(), deferred()];
    const running = late.map(({ promise }) => watched(calls.execute(() => promise)));
    await fail(calls);
    late[0]!.resolve('late success');
    await microtasks();
    expect(breaker.state).toBe('open');
    await clock.advance(999);
    late[1]!.reject(new Error('late failure'));
    await microtasks();
    expect(running.map(({ state }) => state)).toEqual(['fulfilled', 'rejected']);
    expect(breaker.retryAfterMs).toBe(1);
    expect(breaker.lastError).toEqual(new Error('down'));
  });

  it('lets the first call at the end of the break through, and not one before', async () => {
    const { breaker, calls } = guarded();
    await fail(calls);
    await clock.advance(999);
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN' });
    await clock.advance(1);
    expect(breaker.state).toBe('open');
    await expect(calls.execute(up)).resolves.toBe('item');
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['closed', 0]);
  });
});

describe('the events of a breaker', () => {
  it('tell each transition with its reason, to the pipeline’s listeners and to its own', async () => {
    const { breaker, calls } = guarded({ name: 'stock' });
    const seen: string[] = [];
    calls.on('*', (event) => {
      if ('from' in event) seen.push(`${event.policy}: ${event.from} > ${event.to}, ${event.reason}`);
    });
    const opened = vi.fn();
    breaker.events.on('circuit-opened', opened);
    await fail(calls);
    await clock.advance(1_000);
    await calls.execute(up);
    const release = breaker.isolate('maintenance');
    release();
    breaker.reset();
    expect(seen).toEqual([
      'stock: closed > open, failures',
      'stock: open > half-open, break over',
      'stock: half-open > closed, probes succeeded',
      'stock: closed > isolated, maintenance',
      'stock: isolated > closed, isolation released',
      'stock: closed > closed, reset',
    ]);
    expect(opened).toHaveBeenCalledWith(expect.objectContaining({ breakMs: 1_000, error: new Error('down') }));
    const closed = vi.fn();
    breaker.events.on('circuit-closed', closed);
    breaker.reset();
    const facts = { from: 'closed', to: 'closed', reason: 'reset' };
    const about = { pipeline: undefined, policy: 'stock', key: undefined, attempt: undefined };
    const timestamp = clock.wallTime();
    expect(closed.mock.calls[0]![0]).toStrictEqual({ type: 'circuit-closed', ...about, timestamp, ...facts });
  });

  it('tell each refusal with its code', async () => {
    const { breaker, calls } = guarded();
    const seen: unknown[] = [];
    calls.on('circuit-rejected', ({ code, retryAfterMs, outcome }) => seen.push([code, retryAfterMs, outcome]));
    await fail(calls, 2);
    breaker.isolate();
    await rejection(calls.execute(up));
    expect(seen).toEqual([
      ['CIRCUIT_OPEN', 1_000, 'refused'],
      ['CIRCUIT_ISOLATED', undefined, 'refused'],
    ]);
  });

  it('let a listener command the breaker that tells them', async () => {
    const { breaker, calls } = guarded();
    await fail(calls);
    await clock.advance(1_000);
    breaker.events.on('circuit-half-opened', () => void breaker.isolate('by hand'));
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_ISOLATED' });
  });
});

describe('the errors of a breaker', () => {
  it('name it, and what is known: when another try makes sense, or why it is isolated', () => {
    expect(new CircuitOpenError('stock', 500)).toMatchObject({
      message: 'the circuit is open (stock)',
      policy: 'stock',
      retryAfterMs: 500,
    });
    const reasons = ['maintenance', 'audit'];
    expect(new CircuitIsolatedError('stock', reasons)).toMatchObject({
      name: 'CircuitIsolatedError',
      message: 'the circuit is isolated (stock): maintenance, audit',
      category: 'circuit_breaker',
      details: { reasons },
    });
    expect(new CircuitIsolatedError('stock', []).message).toBe('the circuit is isolated (stock)');
  });
});

describe('a breaker’s options', () => {
  it('are refused with all faults at once', () => {
    const make = () =>
      circuitBreaker({ failureRatio: 0, minThroughput: 0, breakMs: -1, probes: 1.5, trip: 5, failureRate: 1 } as never);
    expect(make).toThrow(
      expect.objectContaining({
        code: 'CONFIGURATION',
        faults: [
          expect.objectContaining({ path: 'circuitBreaker.failureRatio' }),
          expect.objectContaining({ path: 'circuitBreaker.minThroughput' }),
          expect.objectContaining({ path: 'circuitBreaker.breakMs' }),
          expect.objectContaining({ path: 'circuitBreaker.probes' }),
          expect.objectContaining({ path: 'circuitBreaker.trip' }),
          expect.objectContaining({ path: 'circuitBreaker.failureRate', hint: 'did you mean failureRatio?' }),
        ],
      }),
    );
  });

  it.each([
    ['trip', []],
    ['trip', [consecutive(1), {}]],
    ['trip', null],
    ['slowCallMs', 0],
    ['breakJitterRatio', 1.5],
    ['maxRetryAfterMs', -1],
    ['rampMs', -1],
    ['probeLeaseMs', 0],
    ['successRatio', 0],
    ['samplingMs', 0],
    ['failureIf', 'always'],
    ['failureResultIf', 1],
    ['slowCallRatio', 2],
    ['slowCallRatio', 0.5],
  ])('are refused at %s where they can not be meant (%#)', (option, wrong) => {
    expect(() => circuitBreaker({ [option]: wrong })).toThrow(
      expect.objectContaining({ faults: [expect.objectContaining({ path: `circuitBreaker.${option}` })] }),
    );
  });

  it('are refused that would change nothing beside another', () => {
    const faultsOf = (options: CircuitBreakerOptions): unknown => {
      try {
        return circuitBreaker(options);
      } catch (error) {
        return (error as ConfigurationError).faults.map(({ path }) => path.replace('circuitBreaker.', ''));
      }
    };
    const trip = consecutive(5);
    expect(faultsOf({ trip, failureRatio: 0.5, slowCallMs: 5 })).toEqual(['failureRatio']);
    expect(faultsOf({ trip, minThroughput: 5, samplingMs: 50, slowCallRatio: 1 })).toEqual([
      'minThroughput',
      'samplingMs',
      'slowCallRatio',
    ]);
    const window = { minThroughput: 5, samplingMs: 50 };
    expect(() => circuitBreaker({ trip, slowCallMs: 5, slowCallRatio: 1, ...window })).not.toThrow();
    expect(() => circuitBreaker({ trip, failureRatio: undefined })).not.toThrow();
  });

  it('have the defaults that the constant says', () => {
    expect(circuitBreakerDefaults).toEqual({
      failureRatio: 0.5,
      minThroughput: 10,
      samplingMs: 10_000,
      slowCallRatio: 0.5,
      breakMs: 30_000,
      breakJitterRatio: 0,
      maxRetryAfterMs: 60_000,
      probes: 1,
      successRatio: 1,
      probeLeaseMs: 30_000,
      rampMs: 0,
    });
    expect(Object.isFrozen(circuitBreakerDefaults)).toBe(true);
  });
});
