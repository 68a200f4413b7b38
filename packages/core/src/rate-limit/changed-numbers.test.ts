import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import {
  fixedWindow,
  gcra,
  type LimitAlgorithm,
  type RateLimiter,
  rateLimiter,
  type Reservation,
  slidingLog,
  slidingWindow,
} from './index.ts';

const algorithms: readonly LimitAlgorithm[] = [gcra, slidingLog, slidingWindow, fixedWindow];

/** A hundred in ten seconds, on a clock that stands in the middle of a window of ten and of sixty. */
function limited(algorithm: LimitAlgorithm) {
  const clock = new VirtualClock({ startMs: 85_000 });
  return { clock, limiter: rateLimiter({ limit: 100, periodMs: 10_000, algorithm, clock }) };
}

function reserved(limiter: RateLimiter, cost: number): Reservation {
  const reservation = limiter.reserve('key', { cost });
  if (!reservation.reserved) throw new Error('refused');
  return reservation;
}

describe.each(algorithms)('a limit by $kind that is given other numbers', (algorithm) => {
  it.each([{ limit: 60 }, { limit: 200 }, { periodMs: 60_000 }, { periodMs: 20_000, limit: 50 }])(
    'gives back afterwards what was taken before: $limit in $periodMs',
    (change) => {
      const { limiter } = limited(algorithm);
      const estimated = limiter.tryAcquire('key', { cost: 50, settles: true });
      const now = reserved(limiter, 10);
      limiter.update(change);
      limiter.settle(estimated, 0);
      expect(now.cancel()).toBe(true);
      const { limit } = limiter.limits[0]!;
      // What was taken counts on from a whole microsecond, rounded up.
      expect(limit - limiter.check('key').remaining).toBeLessThanOrEqual(1);
    },
  );

  it('gives back no more than that, and what time has given back not twice', async () => {
    const { clock, limiter } = limited(algorithm);
    const estimated = limiter.tryAcquire('key', { cost: 10, settles: true });
    limiter.tryAcquire('key', { cost: 40 });
    limiter.update({ limit: 1_000 });
    await clock.advance(300);
    limiter.settle(estimated, 0);
    const counted = limiter.limits[0]!.limit - limiter.check('key').remaining;
    // A bucket has drained by thirty meanwhile, and so past the ten that came first; a count keeps the forty.
    expect(counted).toBe(algorithm === gcra ? 20 : 40);
  });

  it('has counted by then what was promised until then', async () => {
    const { clock, limiter } = limited(algorithm);
    limiter.tryAcquire('key', { cost: 100 });
    const later = reserved(limiter, 20);
    later.commit();
    await clock.advance(later.delayMs);
    const before = limiter.check('key').remaining;
    const other = limited(algorithm);
    other.limiter.tryAcquire('key', { cost: 100 });
    reserved(other.limiter, 20).commit();
    await other.clock.advance(later.delayMs);
    // Nobody has asked since its time came.
    other.limiter.update({ periodMs: 30_000 });
    expect(other.limiter.check('key').remaining).toBe(before);
  });

  it('lets others pass a place that is too large for it now', async () => {
    const { clock, limiter } = limited(algorithm);
    const large = reserved(limiter, 50);
    large.delayBy(600_000);
    limiter.update({ limit: 40 });
    expect(limiter.tryAcquire('key', { cost: 40 })).toMatchObject({ allowed: true });
    await clock.advance(600_000);
    expect(limiter.tryAcquire('key')).toMatchObject({ allowed: false });
    expect(large.state).toBe('held');
  });

  it('moves no place that it could not give again', () => {
    const { limiter } = limited(algorithm);
    const large = reserved(limiter, 50);
    const { executeAt } = large;
    limiter.update({ limit: 40 });
    expect(large.delayBy(1_000)).toBe(false);
    expect(large).toMatchObject({ executeAt, state: 'held' });
    expect(large.cancel()).toBe(true);
    expect(limiter.check('key').remaining).toBeGreaterThanOrEqual(39);
  });
});

describe.each(algorithms)('a place by $kind whose time has come', (algorithm) => {
  const dueAndUsed = async (): Promise<RateLimiter> => {
    const { clock, limiter } = limited(algorithm);
    limiter.tryAcquire('key', { cost: 100 });
    const later = reserved(limiter, 20);
    later.commit();
    await clock.advance(later.delayMs + 10_000);
    return limiter;
  };

  it('is forgotten by a reset like all that was taken, though nobody has asked since', async () => {
    const limiter = await dueAndUsed();
    limiter.reset('key');
    expect(limiter.check('key').remaining).toBe(100);
  });

  it('counts among what a reward takes off, though nobody has asked since', async () => {
    const limiter = await dueAndUsed();
    limiter.penalise('key', 30);
    const { remaining } = limiter.check('key');
    const other = await dueAndUsed();
    other.penalise('key', 30);
    other.reward('key', 10);
    expect(other.check('key').remaining).toBe(Math.min(100, remaining + 10));
  });
});

it('a key that had to go for others gets nothing back, and nobody else loses by that', () => {
  const limiter = rateLimiter({ limit: 10, periodMs: 10_000, maxKeys: 1, clock: new VirtualClock() });
  const mine = limiter.reserve('mine', { cost: 4 });
  limiter.tryAcquire('other', { cost: 3 });
  expect(limiter.statistics.evictedKeys).toBe(1);
  expect(mine.reserved && mine.cancel()).toBe(true);
  expect([limiter.check('mine').remaining, limiter.check('other').remaining]).toEqual([10, 7]);
});

it('a place that no limit concerns is moved like any other', () => {
  const clock = new VirtualClock();
  const limiter = rateLimiter({ limit: 1, periodMs: 10_000, allow: ['friend'], clock });
  const place = limiter.reserve('friend', { cost: 5 });
  if (!place.reserved) throw new Error('refused');
  expect([place.delayBy(500), place.executeAt, place.delayMs]).toEqual([true, 500, 500]);
  expect(limiter.statistics.reservations).toBe(0);
});

it('a reward takes a place off whose time has just come, though nobody has asked since', async () => {
  const clock = new VirtualClock();
  const limiter = rateLimiter({ limit: 10, periodMs: 10_000, algorithm: slidingLog, clock });
  limiter.tryAcquire('key', { cost: 10 });
  const later = reserved(limiter, 5);
  await clock.advance(later.delayMs + 1);
  limiter.reward('key', 5);
  expect(limiter.check('key').remaining).toBe(10);
});
