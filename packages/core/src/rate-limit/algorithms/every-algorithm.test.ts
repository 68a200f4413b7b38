import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import {
  fixedWindow,
  gcra,
  type LimitAlgorithm,
  rateLimiter,
  type Reservation,
  slidingLog,
  slidingWindow,
} from '../index.ts';

const algorithms: readonly (readonly [string, LimitAlgorithm])[] = [
  ['gcra', gcra],
  ['sliding log', slidingLog],
  ['sliding window', slidingWindow],
  ['fixed window', fixedWindow],
];

/** Four a second, on a clock that stands a quarter into a window of the algorithms that have some. */
function limited(algorithm: LimitAlgorithm, limit = 4) {
  const clock = new VirtualClock({ startMs: 5_250 });
  return { clock, limiter: rateLimiter({ limit, periodMs: 1_000, algorithm, clock }) };
}

/** Reserves, and fails where that is refused. */
function reserved(limiter: ReturnType<typeof rateLimiter>, cost = 1): Reservation {
  const reservation = limiter.reserve('key', { cost });
  if (!reservation.reserved) throw new Error('refused');
  return reservation;
}

describe.each(algorithms)('a limiter by %s', (name, algorithm) => {
  it('says beforehand how long the next one waits: to the millisecond for the next round, later within a period', async () => {
    const { clock, limiter } = limited(algorithm);
    limiter.tryAcquire('key', { cost: 3 });
    await clock.advance(300);
    limiter.tryAcquire('key');
    const startedAt = clock.now();
    const waits: { readonly predicted: number; readonly real: number }[] = [];
    for (let n = 0; n < 20; n++) {
      const predicted = limiter.check('key').retryAfterMs;
      void limiter.acquire('key').then(() => waits.push({ predicted, real: clock.now() - startedAt }));
    }
    await clock.runAll();
    expect(waits).toHaveLength(20);
    for (const [turn, { predicted, real }] of waits.entries()) {
      const exactly = turn < 3 || name === 'gcra' || name === 'fixed window';
      expect(Math.abs(real - predicted)).toBeLessThanOrEqual(exactly ? 0.001 : 1_000 * Math.ceil(turn / 4));
    }
  });

  it('serves those who wait in the order in which they came, and never more than twice its limit in a period', async () => {
    const { clock, limiter } = limited(algorithm);
    const served: { readonly n: number; readonly at: number }[] = [];
    for (let n = 0; n < 30; n++) {
      const cost = 1 + (n % 3);
      void limiter.acquire('key', { cost }).then(() => {
        for (let unit = 0; unit < cost; unit++) served.push({ n, at: clock.now() });
      });
    }
    await clock.runAll();
    expect(served.map(({ n }) => n)).toEqual(served.map(({ n }) => n).toSorted((a, b) => a - b));
    for (const { at } of served) {
      expect(served.filter((other) => other.at >= at && other.at < at + 1_000).length).toBeLessThanOrEqual(8);
    }
  });

  it('is as fresh as a new one when all that was taken has been forgiven', () => {
    const { limiter } = limited(algorithm);
    for (const cost of [1, 2]) limiter.tryAcquire('key', { cost });
    limiter.reward('key', 9);
    expect(limiter.check('key', { cost: 4 })).toMatchObject({ allowed: true, resetMs: 0 });
    expect(limiter.tryAcquire('key', { cost: 4 }).allowed).toBe(true);
    expect(limiter.tryAcquire('key').allowed).toBe(false);
  });

  it('waits for the end of a pause that the server has asked for and no longer, where there is room', async () => {
    const { clock, limiter } = limited(algorithm);
    limiter.feedback({ status: 429, headers: { 'retry-after': '2' } }, 'key');
    await expect(limiter.acquire('key', { maxWaitMs: 1_999 })).rejects.toMatchObject({ retryAfterMs: 2_000 });
    const startedAt = clock.now();
    const admitted = limiter.acquire('key', { maxWaitMs: 2_000 }).then(() => clock.now() - startedAt);
    await clock.runAll();
    expect(await admitted).toBe(2_000);
  });

  it('keeps places in time for reservations, none of which share more than the limit', () => {
    const { limiter } = limited(algorithm);
    const places = Array.from({ length: 12 }, () => reserved(limiter).executeAt);
    expect(places.toSorted((a, b) => a - b)).toEqual(places);
    for (const at of places) expect(places.filter((other) => other === at).length).toBeLessThanOrEqual(4);
    expect(limiter.check('key').allowed).toBe(false);
  });

  it('gives back what a reservation took, before its time and after it, and no more than time has not given back itself', async () => {
    const { clock, limiter } = limited(algorithm);
    const [now, later] = [reserved(limiter, 3), reserved(limiter, 4)];
    expect([now.executeAt, limiter.check('key', { cost: 2 }).allowed]).toEqual([5_250, false]);
    expect(later.executeAt).toBeGreaterThan(5_250);
    expect(later.cancel()).toBe(true);
    await clock.advance(100);
    expect(now.cancel()).toBe(true);
    expect(limiter.check('key').remaining).toBe(4);
    expect(limiter.statistics).toMatchObject({ reservations: 0 });
  });

  it('gives back what a reservation has not used, while that still counts', async () => {
    const { clock, limiter } = limited(algorithm);
    const reservation = reserved(limiter, 4);
    await clock.advance(1);
    expect(limiter.check('key').remaining).toBe(0);
    expect(reservation.settle(1)).toBe(true);
    expect(limiter.check('key').remaining).toBe(3);
  });

  it('gives nothing back of what has left the count long since', async () => {
    const { clock, limiter } = limited(algorithm);
    const reservation = reserved(limiter, 4);
    await clock.advance(5_000);
    limiter.tryAcquire('key', { cost: 2 });
    const { remaining } = limiter.check('key');
    expect(reservation.cancel()).toBe(true);
    expect(limiter.check('key').remaining).toBe(remaining);
  });

  it('gives back from the window before as well, as far as that still counts', async () => {
    const { clock, limiter } = limited(algorithm);
    const reservation = reserved(limiter, 4);
    await clock.advance(900);
    const before = limiter.check('key').remaining;
    reservation.cancel();
    expect(limiter.check('key').remaining).toBeGreaterThanOrEqual(before);
    expect(limiter.check('key').remaining).toBe(4);
  });

  it('charges what a reservation has used beyond what it took', async () => {
    const { clock, limiter } = limited(algorithm);
    const reservation = reserved(limiter, 1);
    await clock.advance(1);
    reservation.settle(3);
    expect(limiter.check('key').remaining).toBe(1);
  });

  it('tells ten thousand keys apart, each with the whole limit', () => {
    const { limiter } = limited(algorithm, 2);
    for (let n = 0; n < 10_000; n++) limiter.tryAcquire(`key ${n}`, { cost: 1 + (n % 2) });
    const wrong = Array.from({ length: 10_000 }, (_, n) => limiter.check(`key ${n}`).remaining).filter(
      (remaining, n) => remaining !== 1 - (n % 2),
    );
    expect(wrong).toEqual([]);
  });

  it('counts on when its numbers change, and what it had forgotten stays forgotten', async () => {
    const { clock, limiter } = limited(algorithm);
    limiter.tryAcquire('old', { cost: 4 });
    await clock.advance(4_000);
    limiter.tryAcquire('before', { cost: 4 });
    await clock.advance(800);
    limiter.tryAcquire('now', { cost: 3 });
    limiter.update({ limit: 8, periodMs: 2_000 });
    expect(limiter.check('old').remaining).toBe(8);
    expect(limiter.check('now').remaining).toBeLessThanOrEqual(5);
    await clock.advance(4_000);
    expect(['old', 'before', 'now'].map((key) => limiter.check(key).remaining)).toEqual([8, 8, 8]);
  });
});
