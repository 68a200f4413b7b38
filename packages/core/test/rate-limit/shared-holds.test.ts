/** Bans, pauses and leases on a real Redis, where limits count by parts of a key and where it is restarted. */
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

const HOUR_MS = 3_600_000;
const limits = [
  { name: 'client', limit: 10, periodMs: HOUR_MS, per: 'client' },
  { name: 'all', limit: 100, periodMs: HOUR_MS, per: [] },
];
const [one, other] = [{ client: 'one' }, { client: 'other' }];
const refusal = (ms: number) => ({ status: 429, headers: { 'retry-after-ms': String(ms) } });

describe.skipIf(redisMissing !== undefined)('limits on a real Redis that count by parts', () => {
  it('keep a ban to its key, and a pause to all who share a budget', async () => {
    const limiter = await bench.limiter({ limits });
    await limiter.ban(one, Infinity);
    expect(await limiter.tryAcquire(one)).toMatchObject({ allowed: false, limitName: 'ban', retryAfterMs: Infinity });
    expect(await limiter.reserve(one)).toMatchObject({ reserved: false, limitName: 'ban' });
    expect(await limiter.tryAcquire(other)).toMatchObject({ allowed: true });
    await limiter.feedback(refusal(HOUR_MS), other);
    const paused = await limiter.tryAcquire({ client: 'a third' });
    expect(paused).toMatchObject({ allowed: false, limitName: 'pause' });
    // A shorter pause changes nothing, and a reset ends both for its key.
    await limiter.feedback(refusal(1_000), other);
    expect((await limiter.check(other)).retryAfterMs).toBeGreaterThan(HOUR_MS / 2);
    await limiter.reset(one);
    expect(await limiter.tryAcquire(one)).toMatchObject({ allowed: true, remaining: 9 });
  });

  it('tell one hold from another where all keys share one budget, and where there is none', async () => {
    const limiter = await bench.limiter({ limits: [{ name: 'all', limit: 10, periodMs: HOUR_MS, per: [] }] });
    await limiter.ban('a', HOUR_MS);
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: false, limitName: 'ban' });
    expect(await limiter.tryAcquire('b')).toMatchObject({ allowed: true });
    expect(await limiter.tryAcquire()).toMatchObject({ allowed: true, remaining: 8 });
    await limiter.ban('', HOUR_MS);
    await limiter.ban(undefined, HOUR_MS);
    expect(await limiter.tryAcquire()).toMatchObject({ allowed: false, limitName: 'ban' });
    expect(await limiter.tryAcquire('b')).toMatchObject({ allowed: true, remaining: 7 });
  });
});

describe.skipIf(redisMissing !== undefined).each([
  { name: 'one limit', limits: [{ name: 'one', limit: 10, periodMs: HOUR_MS }] },
  {
    name: 'two limits',
    limits: [
      { name: 'one', limit: 10, periodMs: HOUR_MS },
      { name: 'two', limit: 20, periodMs: HOUR_MS },
    ],
  },
])('bans and pauses of the same key on a real Redis: $name', ({ limits: of }) => {
  it('hold beside each other, whichever came first: what ends later holds until then', async () => {
    const limiter = await bench.limiter({ limits: of });
    for (const [key, begin] of [
      ['banned first', ['ban', 'pause']],
      ['paused first', ['pause', 'ban']],
    ] as const) {
      for (const hold of begin) {
        if (hold === 'ban') await limiter.ban(key, 150);
        else await limiter.feedback(refusal(HOUR_MS), key);
      }
      expect(await limiter.check(key)).toMatchObject({ allowed: false, limitName: 'ban' });
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const key of ['banned first', 'paused first'])
      expect(await limiter.tryAcquire(key)).toMatchObject({ allowed: false, limitName: 'pause' });
    await limiter.reset('paused first');
    expect(await limiter.tryAcquire('paused first')).toMatchObject({ allowed: true });
    await limiter.ban('banned first', Infinity);
    expect(await limiter.check('banned first')).toMatchObject({ limitName: 'ban', retryAfterMs: Infinity });
  });
});

describe.skipIf(redisMissing !== undefined)('leases of a real Redis', () => {
  it('let through what there is, and give back what is settled below the estimate and what is not used', async () => {
    const limiter = await bench.limiter({ limit: 40, periodMs: HOUR_MS, leased: true, instances: 2 });
    let admitted = 0;
    for (let n = 0; n < 30; n++) if ((await limiter.tryAcquire('a')).allowed) admitted++;
    expect([admitted, limiter.statistics.storeCalls < 20]).toEqual([30, true]);
    const estimate = await limiter.tryAcquire('a', { cost: 5, settles: true });
    expect(await limiter.settle(estimate, 2)).toBe(true);
    // What is still on its way comes on top of what a server says is left.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await limiter.feedback({ status: 200, headers: { 'x-ratelimit-remaining': '3' } }, 'a');
    await limiter.close();
    const after = await bench.limiter({ limit: 40, periodMs: HOUR_MS });
    expect((await after.check('a')).remaining).toBe(3);
  });
});

describe.skipIf(redisMissing !== undefined)('a real Redis that is killed and started again', () => {
  it('is found away, decided without, and used again by itself', { timeout: 30_000 }, async () => {
    const options = { limit: 10, periodMs: HOUR_MS, storeTimeoutMs: 100, pingMs: 20, onStoreError: 'open' } as const;
    const limiter = await bench.limiter(options);
    expect(await limiter.tryAcquire('a')).toMatchObject({ degraded: false });
    const slot = await limiter.reserve('a');
    await bench.server.stop();
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: true, degraded: true, limitName: 'store' });
    if (!slot.reserved) throw new Error('refused');
    await expect(slot.cancel()).rejects.toMatchObject({ code: 'LIMIT_STORE_UNAVAILABLE' });
    expect(slot.state).toBe('held');
    await bench.server.start();
    const back = new Promise<void>((resolve) => {
      limiter.events.on('limit-store', ({ state }) => state === 'up' && resolve());
    });
    if (limiter.storeState === 'away') await back;
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: true, degraded: false });
    // It was lost with the counts.
    expect([await slot.cancel(), slot.state]).toEqual([false, 'expired']);
  });
});
