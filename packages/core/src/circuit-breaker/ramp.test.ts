import { beforeEach, describe, expect, it, vi } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { rejection } from '../testing/test-support/watched.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { rampShare } from './ramp.ts';
import { fail, guarded as guardedOn, succeed, up } from './test-support/guarded.ts';
import { consecutive } from './trip-rules.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** A breaker that has just closed after an outage, with a ramp of three seconds. */
async function recovered(options: CircuitBreakerOptions = {}) {
  const { breaker, calls } = guardedOn(clock, { rampMs: 3_000, ...options });
  await fail(calls);
  await clock.advance(1_000);
  await succeed(calls);
  expect(breaker.state).toBe('closed');
  return { breaker, calls };
}

it('a ramp has its three shares, and then the whole', () => {
  expect([0, 999, 1_000, 2_000, 2_999, 3_000, 9_000].map((ms) => rampShare(ms, 3_000))).toEqual([
    0.1, 0.1, 0.25, 0.5, 0.5, 1, 1,
  ]);
});

describe('a breaker that closes gently', () => {
  it('lets a tenth, a quarter and a half of the calls through for a third of its ramp each, then all', async () => {
    const { calls } = await recovered({ random: seededRandom(1) });
    const through: number[] = [];
    for (let step = 0; step < 4; step++) {
      let admitted = 0;
      for (let n = 0; n < 2_000; n++) admitted += (await calls.tryExecute(up)).ok ? 1 : 0;
      through.push(Math.round(admitted / 100));
      await clock.advance(1_000);
    }
    expect(through).toEqual([2, 5, 10, 20]);
  });

  it('goes from share to share exactly at the third of its ramp', async () => {
    const lots: number[] = [];
    const { calls } = await recovered({ random: { next: () => lots.shift()! } });
    const lot = async (drawn: number): Promise<boolean> => {
      lots.push(drawn);
      return (await calls.tryExecute(up)).ok;
    };
    expect([await lot(0.0999), await lot(0.1)]).toEqual([true, false]);
    await clock.advance(999);
    expect([await lot(0.0999), await lot(0.1)]).toEqual([true, false]);
    await clock.advance(1);
    expect([await lot(0.2499), await lot(0.25)]).toEqual([true, false]);
    await clock.advance(1_000);
    expect([await lot(0.4999), await lot(0.5)]).toEqual([true, false]);
    await clock.advance(999);
    expect([await lot(0.4999), await lot(0.5)]).toEqual([true, false]);
    await clock.advance(1);
    expect([lots.length, (await calls.tryExecute(up)).ok]).toEqual([0, true]);
  });

  it('refuses the others with the time until more are let through', async () => {
    const { breaker, calls } = await recovered({ random: { next: () => 0.9 } });
    const seen: unknown[] = [];
    calls.on('circuit-rejected', ({ code, retryAfterMs }) => seen.push([code, retryAfterMs]));
    await clock.advance(300);
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 700 });
    await clock.advance(1_000);
    expect(await rejection(calls.execute(up))).toMatchObject({ retryAfterMs: 700 });
    await clock.advance(1_500);
    expect(await rejection(calls.execute(up))).toMatchObject({ retryAfterMs: 200 });
    expect(seen).toEqual([700, 700, 200].map((ms) => ['CIRCUIT_OPEN', ms]));
    expect([breaker.state, breaker.retryAfterMs, breaker.throughput]).toEqual(['closed', 0, 0]);
  });

  it('counts the calls that it lets through as ever, and opens by them', async () => {
    const { breaker, calls } = await recovered({ trip: consecutive(1), random: { next: () => 0 } });
    await fail(calls);
    expect(breaker.state).toBe('open');
  });

  it('counts a call as its own that began on the ramp and ends after it', async () => {
    const { breaker, calls } = await recovered({ random: { next: () => 0 } });
    let end: () => void = () => undefined;
    const call = calls.execute(() => new Promise((_, reject) => (end = () => reject(new Error('down')))));
    await clock.advance(3_000);
    await succeed(calls);
    end();
    await rejection(call);
    expect(breaker.state).toBe('open');
  });

  it('draws no lot any more when its ramp is over, and reads no clock', async () => {
    const next = vi.fn(() => 0);
    const { calls } = await recovered({ random: { next } });
    await clock.advance(3_000);
    await succeed(calls);
    next.mockClear();
    const now = vi.spyOn(clock, 'now');
    await succeed(calls, 5);
    expect([next.mock.calls.length, now.mock.calls.length]).toEqual([0, 0]);
  });

  it('does so too when the last holder of an isolation lets go, but not when it is reset or new', async () => {
    const never = { random: { next: () => 0.99 }, rampMs: 3_000 };
    const { breaker, calls } = guardedOn(clock, never);
    await succeed(calls);
    breaker.isolate()();
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN' });
    breaker.reset();
    await expect(calls.execute(up)).resolves.toBe('item');
  });

  it('lets all calls through at once where it has no ramp', async () => {
    const { calls } = await recovered({ rampMs: 0, random: { next: () => 0.99 } });
    await expect(calls.execute(up)).resolves.toBe('item');
  });
});
