import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { MemoryLimits } from '../test-support/memory-limits.ts';
import type { ResolvedLimit } from '../limit-options.ts';
import { gcra, rateLimiter, slidingLog } from '../index.ts';
import { shareOf } from './share.ts';
import { sharedRateLimiter } from './shared-limiter.ts';
import type { SharedReservation } from './shared-rate-limiter.ts';

/** One of two processes whose store is away: five of ten a second are its share. */
function alone() {
  const clock = new VirtualClock();
  const store = new MemoryLimits(clock);
  store.behaviour.error = new Error('gone');
  const limiter = sharedRateLimiter({ limit: 10, periodMs: 1_000, instances: 2, namespace: 'test', store, clock });
  return { clock, limiter };
}

async function reserved(limiter: ReturnType<typeof alone>['limiter'], cost: number): Promise<SharedReservation> {
  const made = await limiter.reserve('a', { cost });
  if (!made.reserved) throw new Error('refused');
  return made;
}

describe('a process that decides by its share while the store is away', () => {
  it('reserves places in time of its own, which say all that others say', async () => {
    const { clock, limiter } = alone();
    await reserved(limiter, 5);
    const slot = await reserved(limiter, 1);
    expect(slot).toMatchObject({ key: 'a', cost: 1, state: 'held', executeAt: 200, delayMs: 200, degraded: true });
    expect(slot.expiresAt).toBe(600_200);
    expect(await slot.delayBy(100)).toBe(true);
    expect(slot.executeAt).toBe(300);
    const ready = slot.ready().then(() => clock.now());
    await clock.advance(300);
    expect(await ready).toBe(300);
    expect([await slot.commit(), await slot.cancel(), slot.state]).toEqual([true, false, 'committed']);
  });

  it('takes back what is cancelled or was too much', async () => {
    const { limiter } = alone();
    expect(await (await reserved(limiter, 5)).cancel()).toBe(true);
    expect(await limiter.check('a')).toMatchObject({ remaining: 5 });
    expect(await (await reserved(limiter, 5)).settle(2)).toBe(true);
    expect(await limiter.check('a')).toMatchObject({ remaining: 3, degraded: true });
  });

  it('heeds penalties, rewards, bans and resets in that share', async () => {
    const { limiter } = alone();
    await limiter.penalise('a', 4);
    expect(await limiter.check('a')).toMatchObject({ remaining: 1 });
    await limiter.reward('a', 2);
    expect(await limiter.check('a')).toMatchObject({ remaining: 3 });
    await limiter.ban('a', 1_000);
    expect(await limiter.check('a')).toMatchObject({ allowed: false, limitName: 'ban', retryAfterMs: 1_000 });
    await limiter.reset('a');
    expect(await limiter.check('a')).toMatchObject({ allowed: true, remaining: 5 });
  });
});

describe('the share of a limit', () => {
  const limit: ResolvedLimit = {
    name: 'all',
    limit: 100,
    periodMs: 1_000,
    burst: 10,
    strict: false,
    algorithm: gcra,
    per: undefined,
  };

  it('is an equal part of its numbers, rounded down', () => {
    expect(shareOf(limit, 3)).toMatchObject({ limit: 33, burst: 3, periodMs: 1_000, algorithm: gcra });
    expect(shareOf({ ...limit, algorithm: slidingLog, per: ['client'] }, 3)).toEqual({
      name: 'all',
      limit: 33,
      periodMs: 1_000,
      algorithm: slidingLog,
      per: ['client'],
    });
  });

  it('is one in a longer time where a process has less than one', () => {
    expect(shareOf({ ...limit, limit: 3, burst: 3 }, 10)).toMatchObject({ limit: 1, periodMs: 3_334 });
    expect(shareOf({ ...limit, limit: 3, burst: 1, strict: true }, 10)).toMatchObject({ algorithm: slidingLog });
  });

  it('is counted one by one where strict would leave nothing beside the burst', () => {
    const share = shareOf({ ...limit, limit: 4, burst: 3, strict: true }, 4);
    expect(share).toMatchObject({ algorithm: slidingLog, limit: 1, periodMs: 1_000 });
    expect(rateLimiter({ limits: [share] }).limits).toMatchObject([{ name: 'all', limit: 1 }]);
  });
});
