import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { seededRandom } from '../../clock/random.ts';
import { MemoryLimits } from '../test-support/memory-limits.ts';
import { sharedRateLimiter } from './shared-limiter.ts';
import type { SharedRateLimiter } from './shared-rate-limiter.ts';

/** One of five processes that share a thousand a minute: it may hold a hundred. */
const LARGEST_BATCH = 100;

function setUp() {
  const clock = new VirtualClock();
  const store = new MemoryLimits(clock);
  const numbers = { limit: 1_000, periodMs: 60_000, instances: 5, leased: true, namespace: 'test' };
  const limiter = sharedRateLimiter({ ...numbers, store, clock, random: seededRandom(7) });
  return { clock, store, limiter };
}

async function admitted(limiter: SharedRateLimiter, times: number): Promise<number> {
  let count = 0;
  for (let n = 0; n < times; n++) if ((await limiter.tryAcquire('a')).allowed) count++;
  return count;
}

describe('a leased limiter', () => {
  it('holds no more than its largest batch, however much of its estimates comes back', async () => {
    const { limiter } = setUp();
    const estimates = await Promise.all(
      Array.from({ length: 9 }, () => limiter.tryAcquire('a', { cost: 100, settles: true })),
    );
    for (const estimate of estimates) await limiter.settle(estimate, 0);
    expect(limiter.statistics.leased).toBeLessThanOrEqual(LARGEST_BATCH);
    // Nothing is lost of it: the store has the rest.
    expect(await admitted(limiter, 1_100)).toBe(1_000);
  });

  it('owes what was settled above the estimate to the store, and lets through again when that is paid', async () => {
    const { clock, limiter } = setUp();
    const estimate = await limiter.tryAcquire('a', { cost: 10, settles: true });
    // Twice what ever fits at once.
    expect(await limiter.settle(estimate, 2_010)).toBe(true);
    await clock.advance(1_000);
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: false, oversize: false });
    await clock.advance(59_000);
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: false, oversize: false });
    await clock.advance(62_000);
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: true });
  });

  it('rejects a settlement that the store could not be told of', async () => {
    const { store, limiter } = setUp();
    const estimate = await limiter.tryAcquire('a', { cost: 10, settles: true });
    store.behaviour.error = new Error('gone');
    await expect(limiter.settle(estimate, 500)).rejects.toMatchObject({ code: 'LIMIT_STORE_UNAVAILABLE' });
  });

  it('does not go on with a lease that has lain idle: that was given back', async () => {
    const { clock, store, limiter } = setUp();
    await admitted(limiter, 20);
    expect(limiter.statistics.leased).toBeGreaterThan(1);
    await clock.advance(1_001);
    store.asked.length = 0;
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: true });
    expect(store.asked.toSorted()).toEqual(['forgive', 'lease']);
  });

  it('says nothing of limits of which a server says nothing', async () => {
    const clock = new VirtualClock();
    const limits = [
      { name: 'requests', limit: 100, periodMs: 60_000 },
      { name: 'tokens', limit: 1_000, periodMs: 60_000 },
    ];
    const store = new MemoryLimits(clock);
    const limiter = sharedRateLimiter({
      limits,
      store,
      leased: true,
      namespace: 'test',
      clock,
      random: seededRandom(7),
    });
    await limiter.tryAcquire('a', { cost: { requests: 1, tokens: 100 } });
    await limiter.feedback({ status: 200, headers: { 'x-ratelimit-remaining-tokens': '50' } }, 'a');
    expect(await limiter.check('a', { cost: { tokens: 51 } })).toMatchObject({ allowed: false, limitName: 'tokens' });
    expect(await limiter.check('a', { cost: { requests: 99, tokens: 0 } })).toMatchObject({ allowed: true });
  });

  it('holds nothing any more that a server says is not there', async () => {
    const { limiter } = setUp();
    await admitted(limiter, 300);
    expect(limiter.statistics.leased).toBeGreaterThan(0);
    await limiter.feedback({ status: 200, headers: { 'x-ratelimit-remaining': '0' } }, 'a');
    expect(limiter.statistics.leased).toBe(0);
    expect(await admitted(limiter, 10)).toBe(0);
  });

  it('counts what it holds among what a server says is left', async () => {
    const { limiter } = setUp();
    await admitted(limiter, 300);
    const { leased } = limiter.statistics;
    await limiter.feedback({ status: 200, headers: { 'x-ratelimit-remaining': String(leased + 20) } }, 'a');
    expect(limiter.statistics.leased).toBe(leased);
    expect(await admitted(limiter, 200)).toBe(leased + 20);
  });
});
