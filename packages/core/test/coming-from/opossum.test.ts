/** What docs/coming-from/opossum.md promises, in virtual time. */
import {
  bulkhead,
  circuitBreaker,
  type CircuitBreakerOptions,
  consecutive,
  fallback,
  isBreakwaterError,
  pipeline,
  timeout,
} from 'breakwater';
import { recordEvents, VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred, microtasks, rejection, watched } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const down = (): Promise<never> => Promise.reject(new Error('down'));
const never = (): Promise<string> => new Promise(() => undefined);
const item = async (): Promise<string> => 'item';

/** A breaker as opossum's would be with these options, in a pipeline of its own. */
function guarded(options: CircuitBreakerOptions = {}) {
  const ratio = options.trip === undefined ? { failureRatio: 0.5, minThroughput: 10 } : {};
  const breaker = circuitBreaker({ ...ratio, breakMs: 30_000, ...options });
  return { breaker, calls: pipeline({ clock }, breaker) };
}

describe('firing', () => {
  it('is a call of the wrapped function, with its arguments and its `this`', async () => {
    const { calls } = guarded();
    const load = calls.wrap(function (this: { base: string }, sku: string, size: number) {
      return `${this.base}/${sku}/${size}`;
    });
    await expect(load.call({ base: 'items' }, 'a', 4)).resolves.toBe('items/a/4');
  });

  it('is limited by a timeout innermost, and each run is aborted by its own signal only', async () => {
    const calls = pipeline({ clock }, circuitBreaker(), timeout({ timeoutMs: 3_000 }));
    const signals: AbortSignal[] = [];
    const fn = ({ signal }: { signal: AbortSignal }): Promise<string> => {
      signals.push(signal);
      return never();
    };
    const first = watched(calls.execute(fn));
    await clock.advance(2_000);
    watched(calls.execute(fn));
    await clock.advance(1_000);
    expect(first.error).toMatchObject({ code: 'TIMEOUT' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });
});

describe('opening', () => {
  it('errorThresholdPercentage and volumeThreshold are failureRatio and minThroughput', async () => {
    const { breaker, calls } = guarded();
    for (let n = 0; n < 5; n++) await calls.tryExecute(item);
    for (let n = 0; n < 4; n++) await calls.tryExecute(down);
    expect(breaker.state).toBe('closed');
    await calls.tryExecute(down);
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['open', 30_000]);
    const error = await rejection(calls.execute(item));
    expect(isBreakwaterError(error, 'CIRCUIT_OPEN')).toBe(true);
  });

  it('does not happen by the first failure, as without a volumeThreshold', async () => {
    const breaker = circuitBreaker();
    await pipeline({ clock }, breaker).tryExecute(down);
    expect(breaker.state).toBe('closed');
  });

  it('errorFilter is failureIf on the breaker and handleIf on the fallback, negated', async () => {
    const missing = Object.assign(new Error('missing'), { status: 404 });
    const isFailure = (error: unknown): boolean => error !== missing;
    const breaker = circuitBreaker({ trip: consecutive(1), failureIf: isFailure });
    const calls = pipeline({ clock }, fallback({ value: 'stale', handleIf: isFailure }), breaker);
    expect(await rejection(calls.execute(() => Promise.reject(missing)))).toBe(missing);
    expect(breaker.state).toBe('closed');
    await expect(calls.execute(down)).resolves.toBe('stale');
    expect(breaker.state).toBe('open');
  });

  it('a full capacity is a full bulkhead, which opens nothing; refusals do not dilute the ratio', async () => {
    const breaker = circuitBreaker({ failureRatio: 0.5, minThroughput: 2, breakMs: 1_000 });
    const calls = pipeline({ clock }, breaker, bulkhead({ maxConcurrent: 1 }));
    const running = watched(calls.execute(never));
    for (let n = 0; n < 20; n++) {
      expect(await rejection(calls.execute(item))).toMatchObject({ code: 'BULKHEAD_FULL' });
    }
    expect([breaker.state, breaker.throughput, running.state]).toEqual(['closed', 0, 'pending']);
  });

  it('open() is forceOpen, close() is reset', async () => {
    const { breaker, calls } = guarded();
    breaker.forceOpen('by hand');
    expect(await rejection(calls.execute(item))).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 30_000 });
    breaker.reset();
    await expect(calls.execute(item)).resolves.toBe('item');
  });
});

describe('recovering', () => {
  it('one call after resetTimeout decides; others are refused meanwhile, and a late success decides nothing', async () => {
    const { breaker, calls } = guarded({ trip: consecutive(1), probeLeaseMs: 5_000 });
    const old = deferred();
    watched(calls.execute(() => old.promise));
    await calls.tryExecute(down);
    await clock.advance(30_000);
    const probe = deferred();
    watched(calls.execute(() => probe.promise));
    expect(breaker.state).toBe('half-open');
    expect(await rejection(calls.execute(item))).toMatchObject({ code: 'CIRCUIT_OPEN' });
    old.resolve('late');
    await microtasks();
    expect(breaker.state).toBe('half-open');
    probe.resolve('item');
    await microtasks();
    expect(breaker.state).toBe('closed');
  });

  it('a probe that hangs does not keep it half-open for ever', async () => {
    const { breaker, calls } = guarded({ trip: consecutive(1), probeLeaseMs: 5_000 });
    await calls.tryExecute(down);
    await clock.advance(30_000);
    watched(calls.execute(never));
    await clock.advance(5_000);
    expect(breaker.state).toBe('open');
    await clock.advance(30_000);
    await expect(calls.execute(item)).resolves.toBe('item');
  });

  it('healthCheck is healthProbe: asked while open, and a success makes it half-open at once', async () => {
    let healthy = false;
    const check = vi.fn(async () => healthy);
    const { breaker, calls } = guarded({ trip: consecutive(1), healthProbe: { check, intervalMs: 1_000 } });
    const events = recordEvents(calls);
    await calls.tryExecute(down);
    await clock.advance(2_500);
    expect([breaker.state, events.last('circuit-health-checked')?.outcome]).toEqual(['open', 'failure']);
    healthy = true;
    await clock.advance(1_000);
    expect(breaker.state).toBe('half-open');
    await expect(calls.execute(item)).resolves.toBe('item');
    expect([breaker.state, clock.pendingTimers]).toEqual(['closed', 0]);
  });

  it('toJSON and options.state are toJSON and hydrate', async () => {
    const { breaker, calls } = guarded({ trip: consecutive(1) });
    await calls.tryExecute(down);
    await clock.advance(10_000);
    const next = guarded({ trip: consecutive(1) });
    next.breaker.hydrate(breaker.toJSON());
    expect([next.breaker.state, next.breaker.retryAfterMs]).toEqual(['open', 20_000]);
  });
});

describe('the rest', () => {
  it('the fallback is told the error, and the key of the call', async () => {
    const cached = new Map([['a', 'cached a']]);
    const calls = pipeline(fallback({ run: (_error, { key }) => cached.get(key ?? '') }));
    const load = calls.wrap(
      (_sku: string) => down(),
      (sku) => ({ key: sku }),
    );
    await expect(load('a')).resolves.toBe('cached a');
  });

  it('shutdown is close, which waits for what runs', async () => {
    const { calls } = guarded();
    const answer = deferred();
    watched(calls.execute(() => answer.promise));
    const closing = watched(calls.close());
    expect(await rejection(calls.execute(item))).toMatchObject({ code: 'PIPELINE_CLOSED' });
    expect(closing.state).toBe('pending');
    answer.resolve('item');
    await microtasks();
    expect(closing.value).toBe(0);
  });

  it('events: success and failure with their durations, reject, open, halfOpen, close', async () => {
    const { calls } = guarded({ trip: consecutive(1) });
    const events = recordEvents(calls);
    await calls.tryExecute(down);
    await calls.tryExecute(item);
    await clock.advance(30_000);
    await calls.tryExecute(item);
    expect(events.types).toEqual([
      'attempt-ended',
      'circuit-opened',
      'call-ended',
      'circuit-rejected',
      'call-ended',
      'circuit-half-opened',
      'attempt-ended',
      'circuit-closed',
      'call-ended',
    ]);
    expect(events.of('call-ended').map(({ outcome, durationMs }) => [outcome, durationMs])).toEqual([
      ['failure', 0],
      ['failure', 0],
      ['success', 0],
    ]);
  });

  it('a thousand breakers set no timer', async () => {
    for (let n = 0; n < 1_000; n++) {
      const { breaker, calls } = guarded({ trip: consecutive(1) });
      await calls.tryExecute(down);
      expect(breaker.state).toBe('open');
    }
    expect(clock.pendingTimers).toBe(0);
  });
});
