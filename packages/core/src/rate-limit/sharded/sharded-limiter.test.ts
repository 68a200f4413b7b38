import { array, assert, asyncProperty, integer, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { ConfigurationError } from '../../errors/configuration-error.ts';
import { propertyRuns } from '../../testing/test-support/property-runs.ts';
import { type Admission, mostInAnyWindow } from '../test-support/admissions.ts';
import { MemoryLimits } from '../test-support/memory-limits.ts';
import type { ShardedRateLimiterOptions } from './options.ts';
import { shardedRateLimiter } from './sharded-limiter.ts';

function setUp(more: Partial<ShardedRateLimiterOptions> = {}, nodes = 4, seed = 3) {
  const clock = new VirtualClock();
  const stores = Array.from({ length: nodes }, () => new MemoryLimits(clock));
  const options = { stores, namespace: 'test', limit: 100, periodMs: 1_000, clock, random: seededRandom(seed) };
  return { clock, stores, limiter: shardedRateLimiter({ ...options, ...more }) };
}

describe('a sharded limiter', () => {
  it('takes nothing from any shard where one of them can not be asked', async () => {
    const { clock, limiter, stores } = setUp({ limit: 100, burst: 40, periodMs: 3_600_000, onStoreError: 'throw' });
    const failing = stores[3]!;
    const reserve = failing.reserve.bind(failing);
    failing.reserve = () => Promise.reject(new Error('gone'));
    await expect(limiter.tryAcquire('hot', { cost: 35 })).rejects.toMatchObject({ code: 'LIMIT_STORE_UNAVAILABLE' });
    failing.reserve = reserve;
    await clock.advance(1_000);
    expect(await limiter.tryAcquire('hot', { cost: 40 })).toMatchObject({ allowed: true, remaining: 0 });
  });

  it('takes nothing from any shard where one has less by then than it said', async () => {
    const { limiter, stores } = setUp({ limit: 100, burst: 40, periodMs: 3_600_000 });
    const emptied = stores[0]!;
    const check = emptied.decide.bind(emptied);
    // Another process is quicker.
    emptied.decide = async (question, commit) => {
      const answer = await check(question, commit);
      const limits = question.limits.map((limit) => ({ ...limit, cost: 10 }));
      await emptied.charge({ ...question, limits });
      return answer;
    };
    expect(await limiter.tryAcquire('hot', { cost: 40 })).toMatchObject({ allowed: false });
    emptied.decide = check;
    expect(limiter.balance().shards.map(({ admittedCost }) => admittedCost)).toEqual([0, 0, 0, 0]);
    expect(await limiter.tryAcquire('hot', { cost: 30 })).toMatchObject({ allowed: true });
  });

  it('divides its limit exactly', () => {
    const { limiter } = setUp({ limit: 103, burst: 10 });
    expect(limiter.shards.map(({ limits }) => limits[0]!.limit)).toEqual([26, 26, 26, 25]);
    expect(limiter.shards.map(({ limits }) => limits[0]!.burst)).toEqual([3, 3, 2, 2]);
  });

  it('never lets through more than the whole limit would, for random costs, keys and pauses', async () => {
    const step = record({ cost: integer({ min: 1, max: 30 }), pauseMs: integer({ min: 0, max: 60 }) });
    const property = asyncProperty(array(step, { minLength: 20, maxLength: 80 }), integer(), async (steps, seed) => {
      const { clock, limiter } = setUp({ limit: 103, burst: 41 }, 4, seed);
      const admissions: Admission[] = [];
      for (const { cost, pauseMs } of steps) {
        if ((await limiter.tryAcquire('hot', { cost })).allowed) admissions.push({ atMs: clock.now(), cost });
        await clock.advance(pauseMs);
      }
      expect(mostInAnyWindow(admissions, 1_000)).toBeLessThanOrEqual(103 + 41);
      const total = admissions.reduce((sum, { cost }) => sum + cost, 0);
      expect(total).toBeLessThanOrEqual(41 + (103 * clock.now()) / 1_000 + 1e-9);
    });
    await assert(property, propertyRuns(100));
  });

  it('gives a single hot key the whole limit in the long run, within 1 %', async () => {
    const { clock, limiter } = setUp({ limit: 400, burst: 40 });
    let admitted = 0;
    for (let ms = 0; ms < 10_000; ms++) {
      for (let n = 0; n < 2; n++) if ((await limiter.tryAcquire('hot')).allowed) admitted++;
      await clock.advance(1);
    }
    expect(admitted).toBeLessThanOrEqual(40 + 4_000);
    expect(admitted).toBeGreaterThan(0.99 * 4_000);
    const { imbalance, refused } = limiter.balance();
    expect(imbalance).toBeLessThan(1.05);
    expect(refused).toBe(20_000 - admitted);
  });

  it('lets through a cost that is above what one shard ever takes, from several, all or nothing', async () => {
    const { limiter, stores } = setUp({ limit: 100, burst: 40, periodMs: 3_600_000 });
    expect(await limiter.tryAcquire('hot', { cost: 35 })).toMatchObject({
      allowed: true,
      remaining: 5,
      limitValue: 100,
    });
    expect(limiter.balance()).toMatchObject({ combined: 1 });
    const refused = await limiter.tryAcquire('hot', { cost: 6 });
    expect(refused).toMatchObject({ allowed: false, oversize: false });
    expect(refused.retryAfterMs).toBeCloseTo(36_000, -3);
    expect(await limiter.tryAcquire('hot', { cost: 5 })).toMatchObject({ allowed: true, remaining: 0 });
    expect(await limiter.tryAcquire('hot', { cost: 41 })).toMatchObject({ allowed: false, oversize: true });
    expect(stores.every(({ asked }) => asked.length > 0)).toBe(true);
  });

  it('gives all parts back when one of them is gone meanwhile', async () => {
    const { limiter, stores } = setUp({ limit: 100, burst: 40, periodMs: 3_600_000 });
    // Somebody else takes the last shard's after it was looked at.
    const other = stores[3]!;
    const check = other.decide.bind(other);
    other.decide = async (question, commit) => {
      const answer = await check(question, commit);
      if (!commit) await other.charge({ ...question, limits: [{ ...question.limits[0]!, cost: 10 }] });
      return answer;
    };
    expect(await limiter.tryAcquire('hot', { cost: 35 })).toMatchObject({ allowed: false });
    for (const shard of limiter.shards.slice(0, 3)) expect(await shard.check('hot')).toMatchObject({ remaining: 10 });
    expect(limiter.balance()).toMatchObject({ admitted: 0, refused: 1, imbalance: 0 });
  });

  it('asks nobody as long as all are known to have nothing', async () => {
    const { clock, stores, limiter } = setUp({ limit: 8, burst: 8, periodMs: 80_000 });
    for (let n = 0; n < 9; n++) await limiter.tryAcquire('hot');
    const asked = (): number => stores.reduce((sum, store) => sum + store.asked.length, 0);
    const before = asked();
    const refused = await limiter.tryAcquire('hot');
    expect(refused).toMatchObject({ allowed: false });
    for (let n = 0; n < 1_000; n++) expect((await limiter.tryAcquire('hot')).allowed).toBe(false);
    expect(asked()).toBe(before);
    await clock.advance(refused.retryAfterMs);
    expect(await limiter.tryAcquire('hot')).toMatchObject({ allowed: true });
  });

  it('chooses the shard with more left, and so stays balanced', async () => {
    const { limiter } = setUp({ limit: 4_000, periodMs: 3_600_000 });
    for (let n = 0; n < 2_000; n++) await limiter.tryAcquire('hot');
    const { imbalance, secondChoices, combined, shards } = limiter.balance();
    expect(imbalance).toBeLessThan(1.02);
    expect([secondChoices, combined]).toEqual([0, 0]);
    expect(shards.map(({ limit, storeState }) => [limit, storeState])).toEqual(
      Array.from({ length: 4 }, () => [1_000, 'up']),
    );
  });

  it('waits for a turn, in one shard or in all, and gives everything back when it is aborted', async () => {
    const { clock, limiter } = setUp({ limit: 40, burst: 40, periodMs: 4_000 });
    expect((await limiter.acquire('hot', { cost: 40 })).allowed).toBe(true);
    const one = limiter.acquire('hot');
    await clock.advance(400);
    expect(await one).toMatchObject({ allowed: true });
    await expect(limiter.acquire('hot', { cost: 30, maxWaitMs: 1_000 })).rejects.toMatchObject({ reason: 'wait' });
    const abort = new AbortController();
    const large = limiter.acquire('hot', { cost: 30, signal: abort.signal }).catch((error: unknown) => error);
    await clock.advance(10);
    abort.abort(new Error('enough'));
    expect(await large).toMatchObject({ message: 'enough' });
    await clock.advance(3_700);
    expect((await limiter.tryAcquire('hot', { cost: 36 })).allowed).toBe(true);
    await expect(limiter.acquire('hot', { cost: 41 })).rejects.toMatchObject({ code: 'COST_TOO_LARGE' });
    expect(limiter.balance().refused).toBe(3);
  });

  it('goes on with the other shards, and with its share of the one whose node is away', async () => {
    const { limiter, stores } = setUp({ limit: 40, burst: 40, periodMs: 3_600_000, instances: 2 });
    stores[0]!.behaviour.error = new Error('gone');
    let admitted = 0;
    for (let n = 0; n < 80; n++) if ((await limiter.tryAcquire('hot')).allowed) admitted++;
    expect(admitted).toBe(35);
    expect(limiter.balance().shards.map(({ storeState }) => storeState)).toEqual(['away', 'up', 'up', 'up']);
  });

  it('bans and resets in all shards', async () => {
    const { limiter } = setUp({ limit: 40, periodMs: 3_600_000 });
    await limiter.ban('hot', 1_000);
    for (let n = 0; n < 10; n++)
      expect(await limiter.tryAcquire('hot')).toMatchObject({ allowed: false, limitName: 'ban' });
    await limiter.reset('hot');
    for (let n = 0; n < 40; n++) expect(await limiter.tryAcquire('hot')).toMatchObject({ allowed: true });
    await limiter.close();
  });

  it('remembers no more keys than maxKeys, and is right about those that it has forgotten', async () => {
    const { limiter } = setUp({ limit: 8, periodMs: 3_600_000, maxKeys: 2 });
    for (const key of ['a', 'b', 'c', 'd']) for (let n = 0; n < 9; n++) await limiter.tryAcquire(key);
    for (const key of ['a', 'b', 'c', 'd']) expect((await limiter.tryAcquire(key)).allowed).toBe(false);
    expect(limiter.balance()).toMatchObject({ admitted: 32, refused: 8 });
  });

  it('refuses options that can not be meant', async () => {
    expect(() => setUp({ limit: 3 })).toThrow(ConfigurationError);
    expect(() => setUp({ shards: 1 })).toThrow(/at least 2/);
    expect(() => setUp({ stores: [] })).toThrow(/at least one store/);
    expect(() => setUp({ stores: undefined } as never)).toThrow(/at least one store/);
    expect(() => setUp({ maxKeys: 0 })).toThrow(/maxKeys/);
    expect(() => setUp({ nonsense: 1 } as never)).toThrow(/nonsense/);
    await expect(setUp().limiter.tryAcquire('a', { cost: 0.5 })).rejects.toBeInstanceOf(RangeError);
  });
});
