import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { slidingLog } from '../algorithms/sliding-log.ts';
import { rateLimit } from '../policy.ts';
import { MemoryLimits } from '../test-support/memory-limits.ts';
import type { SharedRateLimiterOptions } from './options.ts';
import { sharedRateLimiter } from './shared-limiter.ts';

function setUp(more: Partial<SharedRateLimiterOptions> = {}) {
  const clock = new VirtualClock();
  const store = new MemoryLimits(clock);
  const one = 'limits' in more ? {} : { limit: 10, periodMs: 1_000 };
  const options = { ...one, namespace: 'test', random: seededRandom(7), ...more, store, clock };
  return { clock, store, limiter: sharedRateLimiter(options as SharedRateLimiterOptions) };
}

const never = (): Promise<never> => new Promise(() => undefined);

it('a shared limiter has its statistics before it has asked anything', () => {
  const { store, limiter } = setUp();
  expect(limiter.statistics).toMatchObject({ admitted: 0, waiting: 0, storeCalls: 0, storeFailures: 0, leased: 0 });
  expect([limiter.storeState, store.asked]).toEqual(['up', []]);
});

describe('who waits at a shared limiter', () => {
  it('is refused as denied while its key is banned, with the time that is left, whether it may wait or not', async () => {
    const { limiter } = setUp();
    await limiter.ban('a', 500);
    for (const maxWaitMs of [0, 10_000])
      await expect(limiter.acquire('a', { maxWaitMs })).rejects.toMatchObject({ reason: 'denied', retryAfterMs: 500 });
  });

  it('is refused by the limit where it may not wait, also for a cost that is settled later', async () => {
    const { limiter } = setUp();
    await limiter.acquire('a', { cost: 10 });
    for (const settles of [false, true]) {
      const refused = limiter.acquire('a', { maxWaitMs: 0, settles });
      await expect(refused).rejects.toMatchObject({ reason: 'limit', retryAfterMs: 100 });
    }
  });

  it('is refused by the queue where as many places are held as may be', async () => {
    const { clock, limiter } = setUp({ burst: 1, maxReservations: 1 });
    await limiter.acquire('a');
    const waiting = limiter.acquire('a');
    await clock.advance(0);
    await expect(limiter.acquire('a')).rejects.toMatchObject({ reason: 'queue', limitName: 'reservations' });
    await clock.advance(100);
    await waiting;
  });

  it('does not wait in shadow mode, and has every place that it asks for', async () => {
    const { limiter } = setUp({ shadow: true, burst: 1 });
    for (let n = 0; n < 3; n++) expect(await limiter.acquire('a')).toMatchObject({ allowed: true, shadow: n > 0 });
    expect(await limiter.reserve('a', { maxWaitMs: 0 })).toMatchObject({ reserved: true, delayMs: 0 });
    expect(limiter.statistics).toMatchObject({ refused: 0, shadowRefused: 3 });
  });
});

describe('a reservation at a shared limiter', () => {
  it('of a cost that can never fit is refused as that, and promised no time', async () => {
    const { limiter } = setUp();
    const refused = { reserved: false, oversize: true, retryAfterMs: Infinity };
    expect(await limiter.reserve('a', { cost: 11 })).toMatchObject(refused);
  });

  it('that the store has lost can neither be given back nor moved, and says that it has expired', async () => {
    const { store, limiter } = setUp();
    const slot = await limiter.reserve('a');
    if (!slot.reserved) expect.fail('should be reserved');
    Object.assign(store, { cancel: async () => false, move: async () => undefined });
    expect(await slot.delayBy(100)).toBe(false);
    expect(await slot.cancel()).toBe(false);
    expect(slot.state).toBe('expired');
  });

  it('is made, or refused, by the share of its process while the store is away', async () => {
    const { store, limiter } = setUp({ instances: 2 });
    store.behaviour.error = new Error('gone');
    expect(await limiter.reserve('a', { cost: 5 })).toMatchObject({ reserved: true, degraded: true });
    expect(await limiter.reserve('a', { cost: 5, maxWaitMs: 0 })).toMatchObject({ reserved: false });
  });
});

it('a shared limiter is reset without a key as well, and where all its keys share one budget', async () => {
  const { limiter } = setUp({ limits: [{ name: 'all', limit: 4, periodMs: 1_000, per: [] }] });
  for (const key of [undefined, 'a']) {
    expect(await limiter.tryAcquire(key, { cost: 4 })).toMatchObject({ allowed: true });
    await limiter.reset(key);
  }
  expect(await limiter.check('b', { cost: 4 })).toMatchObject({ allowed: true });
});

it('a limit that has no burst is told its new numbers without one', async () => {
  const { store, limiter } = setUp({ limits: [{ name: 'log', limit: 4, periodMs: 1_000, algorithm: slidingLog }] });
  await limiter.tryAcquire('a');
  await limiter.update({ limit: 6 });
  expect(limiter.limits).toMatchObject([{ name: 'log', limit: 6 }]);
  const told = JSON.parse((await store.numbers('log'))!) as unknown;
  expect(told).toEqual({ from: { limit: 4, periodMs: 1_000 }, to: { limit: 6, periodMs: 1_000 } });
});

it('a ban holds in the share of its process while the store is away', async () => {
  const { store, limiter } = setUp();
  store.behaviour.error = new Error('gone');
  await limiter.ban('a', 1_000);
  expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: false, limitName: 'ban', degraded: true });
  expect(await limiter.tryAcquire('b')).toMatchObject({ allowed: true, degraded: true });
});

it('what a server says of one of several limits lowers that one alone', async () => {
  const limits = [
    { name: 'requests', limit: 10, periodMs: 1_000 },
    { name: 'tokens', limit: 100, periodMs: 1_000 },
  ];
  const { limiter } = setUp({ limits });
  await limiter.feedback({ status: 200, headers: { 'x-ratelimit-remaining-tokens': '7' } }, 'a');
  expect(await limiter.check('a', { cost: { requests: 10, tokens: 7 } })).toMatchObject({ allowed: true });
  expect(await limiter.check('a', { cost: { requests: 1, tokens: 8 } })).toMatchObject({ limitName: 'tokens' });
});

it('a call that is aborted after it was let through keeps its estimate, and leaves nothing', async () => {
  const { clock, limiter } = setUp();
  const calls = pipeline({ clock }, rateLimit(limiter, { key: 'a', cost: 4, actualCost: () => 1 }));
  const controller = new AbortController();
  const call = calls.tryExecute(never, { signal: controller.signal });
  await clock.advance(0);
  controller.abort();
  expect((await call).ok).toBe(false);
  await clock.advance(0);
  expect(await limiter.check('a')).toMatchObject({ remaining: 6 });
  await limiter.close();
  await clock.advance(100);
  expect([calls.busy, clock.pendingTimers]).toEqual([1, 0]);
});

describe('leases', () => {
  it('that are too small for a large cost do not refuse a small one', async () => {
    const { limiter } = setUp({ leased: true });
    expect(await limiter.tryAcquire('a', { cost: 8 })).toMatchObject({ allowed: true });
    expect(await limiter.tryAcquire('a', { cost: 5 })).toMatchObject({ allowed: false });
    expect(await limiter.tryAcquire('a', { cost: 1 })).toMatchObject({ allowed: true });
  });

  it('are held without a key too, of several limits together', async () => {
    const limits = [
      { name: 'second', limit: 10, periodMs: 1_000 },
      { name: 'minute', limit: 15, periodMs: 60_000 },
    ];
    const { clock, limiter } = setUp({ limits, leased: true });
    let admitted = 0;
    for (let n = 0; n < 30; n++) {
      if ((await limiter.tryAcquire()).allowed) admitted++;
      await clock.advance(100);
    }
    expect(admitted).toBeLessThanOrEqual(16);
    expect(admitted).toBeGreaterThanOrEqual(14);
  });

  it('get back what was taken for a call that was aborted meanwhile', async () => {
    const { clock, store, limiter } = setUp({ leased: true });
    store.behaviour.latencyMs = 5;
    const controller = new AbortController();
    const aborted = limiter.acquire('a', { cost: 3, signal: controller.signal }).catch((error: unknown) => error);
    await clock.advance(1);
    controller.abort('enough');
    await clock.advance(20);
    expect([await aborted, limiter.statistics.admitted]).toEqual(['enough', 0]);
    store.behaviour.latencyMs = 0;
    expect(await limiter.tryAcquire('a', { cost: 10 })).toMatchObject({ allowed: true });
  });

  it('remember of no more keys than maxLeases that they are dry', async () => {
    const { limiter, store } = setUp({ leased: true, maxLeases: 2 });
    const keys = ['a', 'b', 'c', 'd'];
    for (const key of keys) await limiter.tryAcquire(key, { cost: 10 });
    for (const key of keys) expect(await limiter.tryAcquire(key)).toMatchObject({ allowed: false });
    const asked = store.asked.length;
    for (const key of keys.slice(2)) await limiter.tryAcquire(key);
    expect(store.asked).toHaveLength(asked);
    await limiter.tryAcquire('a');
    expect(store.asked.length).toBeGreaterThan(asked);
  });
});
