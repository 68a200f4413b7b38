import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { rejection } from '../testing/test-support/watched.ts';
import { type BreakDuration, exponentialBreak, linearBreak, steppedBreak } from './break-duration.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { fail, guarded as guardedOn, up } from './test-support/guarded.ts';
import { consecutive } from './trip-rules.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const guarded = (options: CircuitBreakerOptions = {}) => guardedOn(clock, options);

/** The breaks that a function gives one after the other to a breaker that does not recover. */
function breaks(duration: BreakDuration, openings: number): number[] {
  return Array.from({ length: openings }, (_, halfOpenAttempts) =>
    duration({ failureRatio: 1, failureCount: 1, halfOpenAttempts, error: undefined }),
  );
}

describe('the functions for breaks', () => {
  it('grow by half from thirty seconds to five minutes, or as they are told', () => {
    expect(breaks(exponentialBreak(), 8)).toEqual([
      30_000, 45_000, 67_500, 101_250, 151_875, 227_812.5, 300_000, 300_000,
    ]);
    expect(breaks(exponentialBreak({ initialMs: 100, base: 3, maxMs: 1_000 }), 4)).toEqual([100, 300, 900, 1_000]);
  });

  it('grow by as much each time', () => {
    expect(breaks(linearBreak(), 11).slice(0, 3)).toEqual([30_000, 60_000, 90_000]);
    expect(breaks(linearBreak(), 11).slice(-2)).toEqual([300_000, 300_000]);
    expect(breaks(linearBreak({ initialMs: 100, maxMs: 250 }), 3)).toEqual([100, 200, 250]);
  });

  it('go through a list and stay at its end, whatever becomes of the list', () => {
    const list = [5, 30, 120];
    const stepped = steppedBreak(list);
    list.length = 1;
    expect(breaks(stepped, 5)).toEqual([5, 30, 120, 120, 120]);
  });

  it('stay at the cap for ever, also where the number would overflow', () => {
    for (const duration of [exponentialBreak(), linearBreak()])
      expect(duration({ failureRatio: 1, failureCount: 1, halfOpenAttempts: 1e9, error: undefined })).toBe(300_000);
  });

  it.each([
    () => exponentialBreak({ initialMs: 0 }),
    () => exponentialBreak({ base: 0.9 }),
    () => exponentialBreak({ maxMs: -1 }),
    () => linearBreak({ initialMs: Number.NaN }),
    () => linearBreak({ base: 2 } as never),
    () => steppedBreak([]),
    () => steppedBreak([10, 0]),
    () => steppedBreak(10 as never),
    () => steppedBreak(undefined as never),
  ])('refuse what can not be meant (%#)', (make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
  });
});

describe('a break', () => {
  it('is as long as a function of what is known says, which begins anew when the breaker has closed', async () => {
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

  it('is told of the probes, and not of the calls before, when the breaker opens again', async () => {
    const facts: unknown[] = [];
    const { breaker, calls } = guarded({
      probes: 4,
      successRatio: 0.5,
      trip: consecutive(2),
      breakMs: ({ failureRatio, failureCount, halfOpenAttempts }) => {
        facts.push([failureRatio, failureCount, halfOpenAttempts]);
        return 100;
      },
    });
    await fail(calls, 2);
    await clock.advance(100);
    await calls.execute(up);
    await fail(calls, 3);
    breaker.reset();
    breaker.forceOpen();
    breaker.forceHalfOpen();
    breaker.forceOpen();
    expect(facts).toEqual([
      [1, 2, 0],
      [0.75, 3, 1],
      [0, 0, 0],
      [0, 0, 1],
    ]);
  });

  it.each([0, -1, Number.NaN, Infinity, 'bug'])(
    'is the default one when its function gives %s, which is told',
    async (wrong) => {
      const { breaker } = guarded({
        breakMs: () => {
          if (wrong === 'bug') throw new TypeError('bug');
          return wrong as number;
        },
      });
      const told: unknown[] = [];
      const named = pipeline({ name: 'stock' }, breaker);
      named.on('hook-failed', ({ pipeline: of, hook }) => told.push([of, hook]));
      await fail(named);
      expect(breaker.retryAfterMs).toBe(30_000);
      expect(told).toEqual([['stock', 'breakMs']]);
    },
  );

  it('is not begun by a breaker that its function has isolated', async () => {
    const { breaker, calls } = guarded({
      breakMs: () => {
        breaker.isolate('by hand');
        return 100;
      },
    });
    await fail(calls);
    expect(breaker.history.map(({ from, to }) => `${from}>${to}`)).toEqual(['closed>isolated']);
  });

  it('is shortened by lot where processes should not probe together, and never lengthened', async () => {
    const draws = [0, 0.5, 0.999];
    const jittered = draws.map((draw) => {
      const breaker = circuitBreaker({
        clock,
        breakMs: 1_000,
        breakJitterRatio: 0.2,
        random: { next: () => draw },
      });
      breaker.forceOpen();
      return breaker.retryAfterMs;
    });
    expect(jittered.map(Math.round)).toEqual([1_000, 900, 800]);
  });

  it('draws no lot where it has no jitter', async () => {
    const next = vi.fn(() => 0.5);
    const { calls } = guarded({ random: { next } });
    await fail(calls);
    expect(next).not.toHaveBeenCalled();
  });
});

describe('a failure that names a wait', () => {
  const busy = (retryAfterMs: unknown) => () =>
    Promise.reject<string>(Object.assign(new Error('busy'), { retryAfterMs }));

  it('sets the break, up to a minute, and no jitter shortens it', async () => {
    const { breaker, calls } = guarded({ breakJitterRatio: 1, random: { next: () => 0.5 } });
    await rejection(calls.execute(busy(20_000)));
    expect(breaker.retryAfterMs).toBe(20_000);
    breaker.reset();
    await rejection(calls.execute(busy(3_600_000)));
    expect(breaker.retryAfterMs).toBe(60_000);
    breaker.reset();
    await rejection(calls.execute(busy(Infinity)));
    expect(breaker.retryAfterMs).toBe(60_000);
  });

  it('sets the break also as a probe', async () => {
    const { breaker, calls } = guarded({ maxRetryAfterMs: 5_000 });
    await fail(calls);
    await clock.advance(1_000);
    await rejection(calls.execute(busy(7_000)));
    expect(breaker.retryAfterMs).toBe(5_000);
  });

  it.each([0, -5, Number.NaN, '5000', null, undefined])('by %s names none', async (retryAfterMs) => {
    const { breaker, calls } = guarded();
    await rejection(calls.execute(busy(retryAfterMs)));
    expect(breaker.retryAfterMs).toBe(1_000);
  });

  it.each([undefined, null, 'busy', 429])('is none that is %s', async (thrown) => {
    const { breaker, calls } = guarded();
    await rejection(calls.execute(() => Promise.reject(thrown)));
    expect(breaker.retryAfterMs).toBe(1_000);
  });

  it('is none that can not be looked into', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const { breaker, calls } = guarded({ breakMs: 1_000 });
    await calls.tryExecute(() => Promise.reject(proxy as Error));
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['open', 1_000]);
  });

  it('is not asked where the breaker is told not to', async () => {
    const { breaker, calls } = guarded({ maxRetryAfterMs: 0 });
    await rejection(calls.execute(busy(20_000)));
    expect(breaker.retryAfterMs).toBe(1_000);
  });
});
