/** What docs/coming-from/circuitbreaker.md promises, in virtual time. */
import {
  circuitBreaker,
  type CircuitBreakerOptions,
  circuitControl,
  consecutive,
  fallback,
  isBreakwaterError,
  pipeline,
} from 'breakwater';
import { VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred, microtasks, rejection, watched } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

class RequestError extends Error {}
const down = (): Promise<never> => Promise.reject(new RequestError('down'));
const item = async (): Promise<string> => 'item';

/** `@circuit` with these options, in a pipeline of its own. */
function circuit(options: CircuitBreakerOptions = {}) {
  const breaker = circuitBreaker({ trip: consecutive(5), ...options });
  return { breaker, calls: pipeline({ clock }, breaker) };
}

describe('@circuit', () => {
  it('opens after five failures in a row, for thirty seconds, and closes with one success', async () => {
    const { breaker, calls } = circuit();
    for (let n = 0; n < 4; n++) await calls.tryExecute(down);
    await calls.tryExecute(item);
    for (let n = 0; n < 5; n++) await calls.tryExecute(down);
    expect([breaker.state, breaker.retryAfterMs, breaker.lastError]).toEqual([
      'open',
      30_000,
      new RequestError('down'),
    ]);
    await clock.advance(30_000);
    await expect(calls.execute(item)).resolves.toBe('item');
    expect([breaker.state, breaker.throughput]).toEqual(['closed', 0]);
  });

  it('expected_exception is failureIf; any other error passes and counts as a success', async () => {
    const { breaker, calls } = circuit({ failureIf: (error) => error instanceof RequestError });
    for (let n = 0; n < 4; n++) await calls.tryExecute(down);
    expect(await rejection(calls.execute(() => Promise.reject(new RangeError('bug'))))).toBeInstanceOf(RangeError);
    expect([breaker.state, breaker.throughput]).toEqual(['closed', 0]);
  });

  it('fallback_function is a fallback for a refusal by the open circuit, and for nothing else', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const run = vi.fn((_error: unknown, { key }: { key: string | undefined }) => `cached ${key}`);
    const stale = fallback({ run, handleIf: (error) => isBreakwaterError(error, 'CIRCUIT_OPEN') });
    const calls = pipeline({ clock }, stale, breaker);
    expect(await rejection(calls.execute(down, { key: 'a' }))).toBeInstanceOf(RequestError);
    await expect(calls.execute(down, { key: 'a' })).resolves.toBe('cached a');
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('cls= is an object with options that others are made from', async () => {
    const ours: CircuitBreakerOptions = { trip: consecutive(2), breakMs: 60_000 };
    const { breaker, calls } = circuit({ ...ours, name: 'orders' });
    for (let n = 0; n < 2; n++) await calls.tryExecute(down);
    expect(breaker.retryAfterMs).toBe(60_000);
    expect(await rejection(calls.execute(item))).toMatchObject({ policy: 'orders' });
  });
});

describe('half-open', () => {
  it('lets one call through, however many there are, and refuses the others until it is back', async () => {
    const { calls } = circuit({ trip: consecutive(1) });
    await calls.tryExecute(down);
    await clock.advance(30_000);
    const answer = deferred();
    const fn = vi.fn(() => answer.promise);
    const ends = Array.from({ length: 1_000 }, () => watched(calls.execute(fn)));
    await microtasks();
    expect([fn.mock.calls.length, ends.filter(({ state }) => state === 'rejected').length]).toEqual([1, 999]);
    answer.resolve('item');
    await microtasks();
    expect(ends[0]!.value).toBe('item');
  });

  it('is not ended by a success that began before the circuit opened', async () => {
    const { breaker, calls } = circuit({ trip: consecutive(1) });
    const old = deferred();
    watched(calls.execute(() => old.promise));
    await calls.tryExecute(down);
    old.resolve('late');
    await microtasks();
    expect(breaker.state).toBe('open');
  });
});

describe('CircuitBreakerMonitor', () => {
  it('is a control that has the breakers which were added to it, by name and by state', async () => {
    const control = circuitControl();
    const orders = circuit({ name: 'orders', trip: consecutive(1) });
    const stock = circuit({ name: 'stock' });
    for (const { breaker } of [orders, stock]) control.add(breaker);
    circuit({ name: 'nobody knows' });
    expect(control.breakers.every(({ state }) => state === 'closed')).toBe(true);
    await orders.calls.tryExecute(down);
    const open = control.breakers.filter(({ state }) => state === 'open').map(({ name }) => name);
    expect([open, control.breakers.length]).toEqual([['orders'], 2]);
    expect(control.breakers.find(({ name }) => name === 'stock')).toBe(stock.breaker);
  });
});
