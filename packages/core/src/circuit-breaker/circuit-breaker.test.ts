import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { consecutive } from './trip-rules.ts';

const down = (): Promise<string> => Promise.reject(new Error('down'));
const up = async (): Promise<string> => 'item';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

function guarded(options: CircuitBreakerOptions = {}) {
  const breaker = circuitBreaker({ clock, trip: consecutive(1), breakMs: 1_000, ...options });
  return { breaker, calls: pipeline(breaker) };
}

async function fail(calls: { execute(fn: () => Promise<string>): Promise<string> }, times = 1): Promise<void> {
  for (let n = 0; n < times; n++) await rejection(calls.execute(down));
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

  it('takes the length of its break from a function of what is known', async () => {
    const breakMs = vi.fn(({ halfOpenAttempts }: { halfOpenAttempts: number }) => 100 * (halfOpenAttempts + 1));
    const { breaker, calls } = guarded({ breakMs });
    await fail(calls);
    expect(breakMs).toHaveBeenLastCalledWith({
      failureRatio: 1,
      failureCount: 1,
      halfOpenAttempts: 0,
      error: new Error('down'),
    });
    await clock.advance(100);
    await fail(calls);
    expect(breaker.retryAfterMs).toBe(200);
    await clock.advance(200);
    await calls.execute(up);
    await fail(calls);
    expect(breaker.retryAfterMs).toBe(100);
  });

  it.each([0, -1, Number.NaN, Infinity, 'bug'])(
    'stays open for the default time when that function gives %s, and tells it',
    async (wrong) => {
      const { breaker, calls } = guarded({
        breakMs: () => {
          if (wrong === 'bug') throw new TypeError('bug');
          return wrong as number;
        },
      });
      const hooks: string[] = [];
      calls.on('hook-failed', ({ hook }) => hooks.push(hook));
      await fail(calls);
      expect(breaker.retryAfterMs).toBe(30_000);
      expect(hooks).toEqual(['breakMs']);
    },
  );
});

describe('an isolated breaker', () => {
  it('refuses calls with all reasons, until the last holder releases it, and is closed then', async () => {
    const { breaker, calls } = guarded();
    const releases = [breaker.isolate('maintenance'), breaker.isolate()];
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['isolated', Infinity]);
    const outcome = await calls.tryExecute(up);
    releases[0]!();
    releases[0]!();
    expect(breaker.state).toBe('isolated');
    releases[1]!();
    expect(breaker.state).toBe('closed');
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: 'CIRCUIT_ISOLATED', retryAfterMs: undefined, details: { reasons: ['maintenance', 'isolated'] } },
    });
  });

  it('is closed by a reset, after which old holders hold nothing', async () => {
    const { breaker } = guarded();
    const old = breaker.isolate();
    breaker.reset();
    expect(breaker.state).toBe('closed');
    const release = breaker.isolate();
    old();
    expect(breaker.state).toBe('isolated');
    release();
    expect(breaker.state).toBe('closed');
  });

  it('can be isolated before its first pipeline, and be released after it', async () => {
    const breaker = circuitBreaker();
    const release = breaker.isolate('not yet');
    const calls = pipeline({ clock }, breaker);
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_ISOLATED' });
    release();
    await expect(calls.execute(up)).resolves.toBe('item');
  });

  it('is not opened or closed by a call that began before', async () => {
    const { breaker, calls } = guarded();
    const late = deferred();
    const call = watched(calls.execute(() => late.promise));
    breaker.isolate();
    late.reject(new Error('late'));
    await microtasks();
    expect([call.state, breaker.state]).toEqual(['rejected', 'isolated']);
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
  });

  it('tell each refusal with its code', async () => {
    const { breaker, calls } = guarded();
    const seen: unknown[] = [];
    calls.on('circuit-rejected', ({ code, retryAfterMs }) => seen.push([code, retryAfterMs]));
    await fail(calls, 2);
    breaker.isolate();
    await rejection(calls.execute(up));
    expect(seen).toEqual([
      ['CIRCUIT_OPEN', 1_000],
      ['CIRCUIT_ISOLATED', undefined],
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
    expect(() => consecutive(0)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
  });
});
