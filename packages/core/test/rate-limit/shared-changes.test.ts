/** What a real Redis keeps when limits change, and what it is asked for is more than it can keep. */
import { fixedWindow, gcra, type LimitAlgorithm, slidingLog, slidingWindow } from 'breakwater/rate-limit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { redisMissing } from '../cache/redis-server.ts';
import { RedisBench } from './redis-limits.ts';

let bench: RedisBench;
beforeAll(async () => {
  if (redisMissing === undefined) bench = await RedisBench.start();
});
afterEach(async () => {
  await bench?.clear();
});
afterAll(async () => {
  await bench?.stop();
});

const algorithms: readonly LimitAlgorithm[] = [gcra, slidingLog, slidingWindow, fixedWindow];
const HOUR_MS = 3_600_000;
const YEAR_MS = 31_536_000_000;

describe.skipIf(redisMissing !== undefined).each(algorithms)('a shared limit by $kind', (algorithm) => {
  it.each([
    { name: 'longer', from: HOUR_MS, to: 24 * HOUR_MS },
    { name: 'shorter', from: 24 * HOUR_MS, to: HOUR_MS },
  ])(
    'whose period becomes $name counts on: what was taken stays taken, and all is there again in time',
    async (change) => {
      const limiter = await bench.limiter({ limit: 10, periodMs: change.from, algorithm });
      expect((await limiter.tryAcquire('a', { cost: 5 })).allowed).toBe(true);
      await limiter.update({ periodMs: change.to });
      const { remaining, resetMs } = await limiter.check('a');
      // The pace of before is what a bucket in its short form is paid for by.
      if (algorithm === gcra) expect(resetMs).toBeLessThanOrEqual(change.from);
      else expect(resetMs).toBeLessThanOrEqual(2 * change.to);
      if (algorithm !== gcra) expect(remaining).toBe(5);
      if (remaining > 0) expect((await limiter.tryAcquire('a', { cost: remaining })).allowed).toBe(true);
      const refused = await limiter.tryAcquire('a');
      expect(refused.allowed).toBe(false);
      expect(refused.retryAfterMs).toBeLessThanOrEqual(2 * Math.max(change.from, change.to));
      expect(await bench.bare.pttl('{test 0:a}:rate-limit')).toBeLessThanOrEqual(2 * 24 * HOUR_MS);
    },
  );

  it('whose period changes gives back afterwards what was taken before', async () => {
    const limiter = await bench.limiter({ limit: 10, periodMs: HOUR_MS, algorithm });
    const estimate = await limiter.tryAcquire('a', { cost: 5, settles: true });
    await limiter.update({ periodMs: 24 * HOUR_MS });
    expect(await limiter.settle(estimate, 0)).toBe(true);
    expect(await limiter.check('a')).toMatchObject({ remaining: 10 });
  });

  it('lets others pass a place that it has become too small for, and moves that nowhere', async () => {
    const limiter = await bench.limiter({ limit: 100, periodMs: HOUR_MS, algorithm });
    const large = await limiter.reserve('a', { cost: 50 });
    if (!large.reserved) throw new Error('refused');
    expect(await large.delayBy(10 * HOUR_MS)).toBe(true);
    const { executeAt } = large;
    await limiter.update({ limit: 40 });
    expect(await limiter.tryAcquire('a', { cost: 40 })).toMatchObject({ allowed: true });
    expect(await large.delayBy(1_000)).toBe(false);
    expect(large).toMatchObject({ state: 'held', executeAt });
    expect(await large.cancel()).toBe(true);
    expect(limiter.storeState).toBe('up');
  });

  it('says when there is room again for a place where as many are held as may be', async () => {
    const limiter = await bench.limiter({ limit: 10, periodMs: HOUR_MS, algorithm, maxReservations: 1 });
    expect(await limiter.reserve('a', { expiresMs: 60_000 })).toMatchObject({ reserved: true });
    const refused = await limiter.reserve('a');
    expect(refused).toMatchObject({ reserved: false, limitName: 'reservations' });
    if (refused.reserved) throw new Error('reserved');
    expect(refused.retryAfterMs).toBeGreaterThan(30_000);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000);
    const none = await bench.limiter({ limit: 10, periodMs: HOUR_MS, algorithm, maxReservations: 0 });
    expect(await none.reserve('b')).toMatchObject({ reserved: false, retryAfterMs: Infinity });
  });

  it('keeps debts and places of any size, for a thousand years at most', async () => {
    const limiter = await bench.limiter({ limit: 10, periodMs: HOUR_MS, algorithm });
    const far = await limiter.reserve('b');
    if (!far.reserved) throw new Error('refused');
    expect(await far.delayBy(1e300)).toBe(true);
    expect(await far.cancel()).toBe(true);
    await limiter.penalise('a', 1e300);
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: false, limitName: 'rate-limit' });
    expect(await bench.bare.pttl('{test 0:a}:rate-limit')).toBeLessThanOrEqual(1_000 * YEAR_MS);
    await limiter.reset('a');
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: true, remaining: 9 });
    expect(limiter.storeState).toBe('up');
  });
});
