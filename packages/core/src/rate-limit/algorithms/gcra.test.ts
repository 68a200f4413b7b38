import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { rateLimiter } from '../index.ts';

const DAY_MS = 86_400_000;

/** How many requests of cost 1 are let through right now. */
function drain(limiter: ReturnType<typeof rateLimiter>, key?: string): number {
  let admitted = 0;
  while (limiter.tryAcquire(key).allowed) admitted++;
  return admitted;
}

describe('a local rate limiter', () => {
  it('lets a burst through after a pause and then one request per interval', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 600, periodMs: 60_000, burst: 20, clock });
    expect(drain(limiter)).toBe(20);
    await clock.advance(99.9);
    expect(drain(limiter)).toBe(0);
    await clock.advance(0.1);
    expect(drain(limiter)).toBe(1);
    await clock.advance(60_000);
    expect(drain(limiter)).toBe(20);
  });

  it('has a burst of the limit unless it is told otherwise', () => {
    expect(drain(rateLimiter({ limit: 7, periodMs: 1_000, clock: new VirtualClock() }))).toBe(7);
  });

  it('says what is left, when the request fits and when all is back', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 3, clock, name: 'api' });
    expect(limiter.tryAcquire()).toEqual({
      allowed: true,
      limitName: 'api',
      limitValue: 10,
      remaining: 2,
      retryAfterMs: 0,
      resetMs: 100,
      oversize: false,
      degraded: false,
      shadow: false,
    });
    expect(limiter.tryAcquire(undefined, { cost: 2 })).toMatchObject({ allowed: true, remaining: 0, resetMs: 300 });
    expect(limiter.tryAcquire()).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 100, resetMs: 300 });
    await clock.advance(100);
    expect(limiter.tryAcquire()).toMatchObject({ allowed: true });
  });

  it('charges nothing for a refusal: it never sinks below empty and never makes the next wait longer', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 1, clock });
    limiter.tryAcquire();
    for (let times = 0; times < 1_000; times++) expect(limiter.tryAcquire().retryAfterMs).toBe(100);
    await clock.advance(100);
    expect(limiter.tryAcquire().allowed).toBe(true);
  });

  it('changes nothing by a check', () => {
    const limiter = rateLimiter({ limit: 2, periodMs: 1_000, clock: new VirtualClock() });
    for (let times = 0; times < 10; times++) expect(limiter.check('a')).toMatchObject({ allowed: true, remaining: 2 });
    expect(limiter.statistics).toMatchObject({ admitted: 0, refused: 0, keys: 0 });
    expect(drain(limiter, 'a')).toBe(2);
    expect(limiter.check('a')).toMatchObject({ allowed: false, retryAfterMs: 500 });
  });

  it('refuses a cost above the burst as oversize and promises no time at which it would fit', () => {
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 5, clock: new VirtualClock() });
    expect(limiter.tryAcquire('a', { cost: 6 })).toMatchObject({
      allowed: false,
      oversize: true,
      retryAfterMs: Infinity,
      remaining: 5,
    });
    expect(limiter.tryAcquire('a', { cost: 5 })).toMatchObject({ allowed: true, oversize: false });
  });

  it('takes a cost of 0 as 0, not as the default, and refuses costs that are none', () => {
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock: new VirtualClock() });
    expect(limiter.tryAcquire('a', { cost: 0 })).toMatchObject({ allowed: true, remaining: 1 });
    for (const cost of [-1, Number.NaN, '1' as never])
      expect(() => limiter.tryAcquire('a', { cost })).toThrow(RangeError);
    expect(() => limiter.tryAcquire('a', { priority: 'urgent' as never })).toThrow(RangeError);
  });

  it('counts fractions of a cost', () => {
    const limiter = rateLimiter({ limit: 3, periodMs: 1_000, burst: 1, clock: new VirtualClock() });
    for (let times = 0; times < 4; times++) expect(limiter.tryAcquire('a', { cost: 0.25 }).allowed).toBe(true);
    expect(limiter.tryAcquire('a', { cost: 0.25 }).allowed).toBe(false);
  });

  it('tells keys apart, and the absence of a key from an empty one', () => {
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock: new VirtualClock() });
    expect([undefined, '', 'a', 'a:b', '__proto__'].map((key) => drain(limiter, key))).toEqual([1, 1, 1, 1, 1]);
    expect(drain(limiter, 'a')).toBe(0);
  });

  it('forgets a key, and only that one, when it is reset', () => {
    const limiter = rateLimiter({ limit: 2, periodMs: 1_000, clock: new VirtualClock() });
    for (const key of ['a', 'b', undefined]) drain(limiter, key);
    limiter.reset('a');
    limiter.reset('never seen');
    expect([drain(limiter, 'a'), drain(limiter, 'b'), drain(limiter)]).toEqual([2, 0, 0]);
    limiter.reset();
    expect([drain(limiter, 'b'), drain(limiter)]).toEqual([0, 2]);
  });

  it.each([
    { limit: 1, periodMs: 1 },
    { limit: 1, periodMs: 500 },
    { limit: 3, periodMs: 1_000 },
    { limit: 100, periodMs: 30 * DAY_MS },
    { limit: 7, periodMs: 400 * DAY_MS },
  ])(
    'keeps its rate over periods from a millisecond to 400 days: $limit in $periodMs ms',
    async ({ limit, periodMs }) => {
      const clock = new VirtualClock();
      const limiter = rateLimiter({ limit, periodMs, clock });
      expect(drain(limiter)).toBe(limiter.check().limitValue);
      await clock.advance(periodMs / limit / 2);
      expect(drain(limiter)).toBe(0);
      await clock.advance(periodMs);
      expect(drain(limiter)).toBe(limit);
    },
  );

  it('adds thirds without rounding: after ten thousand of them all is back on the dot', () => {
    let nowMs = 1e9;
    const clock = {
      now: () => nowMs as never,
      wallTime: () => 0 as never,
      setTimer: () => ({ cancel: () => undefined }),
    };
    const limiter = rateLimiter({ limit: 3, periodMs: 1, burst: 2, clock });
    limiter.tryAcquire(undefined, { cost: 2 });
    for (let round = 0; round < 3_333; round++) {
      // Three a millisecond, each at the first microsecond at which it fits.
      for (const ms of [0.334, 0.667, 1]) {
        nowMs = 1e9 + round + ms - 0.001;
        expect(limiter.check().allowed).toBe(false);
        nowMs = 1e9 + round + ms;
        expect(limiter.tryAcquire().allowed).toBe(true);
      }
    }
  });

  it('spends the burst from the limit when strict, so that no period exceeds the limit', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 4, strict: true, clock });
    let admitted = drain(limiter);
    for (let ms = 0; ms < 1_000; ms += 10) {
      await clock.advance(10);
      admitted += drain(limiter);
    }
    expect(admitted).toBe(10);
  });

  it('counts by the clock that it was first used with, and refuses another one', async () => {
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000 });
    expect(limiter.boundClock).toBeUndefined();
    const clock = new VirtualClock();
    limiter.adopt(clock);
    limiter.adopt(new VirtualClock());
    expect(limiter.boundClock).toBe(clock);
    limiter.tryAcquire();
    await clock.advance(1_000);
    expect(limiter.tryAcquire().allowed).toBe(true);
  });

  it('pays no heed to jumps of the wall clock', () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock });
    limiter.tryAcquire();
    clock.jumpWallTime(3_600_000);
    expect(limiter.tryAcquire().retryAfterMs).toBe(1_000);
  });
});

describe('the options of a rate limiter', () => {
  it.each([
    [{ limit: 0, periodMs: 1_000 }, 'rateLimiter.limit'],
    [{ limit: 1.5, periodMs: 1_000 }, 'rateLimiter.limit'],
    [{ limit: 1, periodMs: 0.5 }, 'rateLimiter.periodMs'],
    [{ limit: 1, periodMs: 401 * DAY_MS }, 'rateLimiter.periodMs'],
    [{ limit: 1, periodMs: 1_000, burst: 0 }, 'rateLimiter.burst'],
    [{ limit: 10, periodMs: 1_000, burst: 10, strict: true }, 'rateLimiter.burst'],
    [{ limit: 1, periodMs: 1_000, strict: true }, 'rateLimiter.limit'],
    [{ limit: 1, periodMs: 400 * DAY_MS, burst: 1_000 }, 'rateLimiter.burst'],
    [{ limit: 1, periodMs: 1_000, maxKeys: 0 }, 'rateLimiter.maxKeys'],
    [{ limit: 1, periodMs: 1_000, maxQueue: -1 }, 'rateLimiter.maxQueue'],
    [{ limit: 1, period: 1_000 } as never, 'did you mean periodMs?'],
  ])('%o is refused by the name of what is wrong', (options, fault) => {
    expect(() => rateLimiter(options)).toThrow(fault);
  });

  it('are never clamped silently: all faults come at once', () => {
    expect(() => rateLimiter({ limit: -1, periodMs: 0, burst: 0.5 })).toThrow(/limit[^]*periodMs[^]*burst/);
  });

  it('are refused where they could not be counted exactly', () => {
    const limit = 2 ** 40;
    expect(() => rateLimiter({ limit, periodMs: 1_000.001, burst: limit })).toThrow(
      /rateLimiter.burst: .*count exactly/,
    );
  });
});

describe('an update of a token bucket', () => {
  it('keeps what was taken, also where intervals are no whole microseconds', () => {
    const limiter = rateLimiter({ limit: 7, periodMs: 1, burst: 7, clock: new VirtualClock() });
    limiter.tryAcquire('a', { cost: 5 });
    limiter.update({ limit: 3, periodMs: 1_000, burst: 7 });
    expect(limiter.check('a').remaining).toBe(1);
    expect(limiter.check('a', { cost: 2 }).retryAfterMs).toBeLessThanOrEqual(0.001);
  });
});
