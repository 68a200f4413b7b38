import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { seededRandom } from '../../clock/random.ts';
import { ConfigurationError } from '../../errors/configuration-error.ts';
import { slidingWindow } from '../algorithms/sliding-window.ts';
import type { RateLimitDecision } from '../decision.ts';
import { MemoryLimits } from '../test-support/memory-limits.ts';
import { LimitStoreError } from './errors.ts';
import { sharedRateLimiter } from './shared-limiter.ts';
import type { SharedRateLimiterOptions } from './options.ts';
import type { SharedRateLimiter, SharedReservation } from './shared-rate-limiter.ts';

type More = Partial<SharedRateLimiterOptions> & {
  readonly limit?: number;
  readonly periodMs?: number;
  readonly burst?: number;
};

function setUp(
  more: More = {},
  clock: VirtualClock = new VirtualClock(),
  store: MemoryLimits = new MemoryLimits(clock),
) {
  const one = 'limits' in more ? {} : { limit: 10, periodMs: 1_000 };
  const options = { ...one, namespace: 'test', random: seededRandom(7), ...more };
  const limiter = sharedRateLimiter({ ...options, store, clock } as SharedRateLimiterOptions);
  return { clock, store, limiter };
}

async function settled<T>(clock: VirtualClock, promise: Promise<T>, ms = 0): Promise<T> {
  const outcome = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await clock.advance(ms);
  const result = await outcome;
  if ('error' in result) throw result.error;
  return result.value;
}

async function admitted(limiter: SharedRateLimiter, times: number, key = 'a'): Promise<number> {
  let count = 0;
  for (let n = 0; n < times; n++) if ((await limiter.tryAcquire(key)).allowed) count++;
  return count;
}

describe('a shared limiter whose store is away', () => {
  const faults = { rejects: { error: new Error('connection refused') }, hangs: { hangs: true } };

  it.each(Object.entries(faults))('decides by its share of the limit when the store %s', async (_name, fault) => {
    const { clock, store, limiter } = setUp({ instances: 5, limit: 50, burst: 20 });
    Object.assign(store.behaviour, fault);
    const first = await settled(clock, limiter.tryAcquire('a'), 60);
    expect(first).toMatchObject({ allowed: true, degraded: true, limitValue: 10, remaining: 3 });
    expect(limiter.storeState).toBe('away');
    expect(await admitted(limiter, 20)).toBe(3);
    expect(limiter.statistics).toMatchObject({ degraded: 21, storeCalls: 1, storeFailures: 1 });
  });

  it.each([
    ['open', { allowed: true, limitName: 'store', degraded: true }],
    ['closed', { allowed: false, limitName: 'store', degraded: true, retryAfterMs: 200 }],
  ] as const)('does what onStoreError says: %s', async (onStoreError, decision) => {
    const { store, limiter } = setUp({ onStoreError });
    store.behaviour.error = new Error('gone');
    expect(await limiter.tryAcquire('a')).toMatchObject(decision);
    expect(await limiter.check('a')).toMatchObject(decision);
    expect(await limiter.reserve('a')).toMatchObject({ reserved: onStoreError === 'open' });
    await expect(limiter.ban('a', 1_000)).rejects.toBeInstanceOf(LimitStoreError);
  });

  it('rejects with an error that is no refusal: throw', async () => {
    const { store, limiter } = setUp({ onStoreError: 'throw' });
    const cause = new Error('gone');
    store.behaviour.error = cause;
    for (const verb of [limiter.tryAcquire('a'), limiter.check('a'), limiter.acquire('a'), limiter.reserve('a')]) {
      await expect(verb).rejects.toMatchObject({
        code: 'LIMIT_STORE_UNAVAILABLE',
        category: 'database',
        retryAfterMs: 200,
        cause,
      });
    }
    expect(limiter.statistics.refused).toBe(0);
  });

  it('waits for no turn that nobody knows: acquire rejects where it is closed, and waits for its share where it is local', async () => {
    const closed = setUp({ onStoreError: 'closed' });
    closed.store.behaviour.error = new Error('gone');
    await expect(closed.limiter.acquire('a')).rejects.toMatchObject({ code: 'LIMIT_STORE_UNAVAILABLE' });
    const local = setUp({ burst: 1 });
    local.store.behaviour.error = new Error('gone');
    expect(await local.limiter.acquire('a')).toMatchObject({ degraded: true });
    const second = local.limiter.acquire('a');
    await local.clock.advance(99);
    expect(local.limiter.statistics.waiting).toBe(1);
    expect(await settled(local.clock, second, 1)).toMatchObject({ allowed: true, degraded: true });
  });

  it('says so by an event and its state, asks nothing meanwhile, and goes on with the store once a ping is answered', async () => {
    const { clock, store, limiter } = setUp();
    const told: unknown[] = [];
    limiter.events.on('limit-store', ({ state, onStoreError, error }) =>
      told.push([state, onStoreError, (error as Error | undefined)?.message]),
    );
    store.behaviour.error = new Error('gone');
    await admitted(limiter, 3);
    expect([limiter.storeState, ...told]).toEqual(['away', ['away', 'local', 'gone']]);
    await clock.advance(1_000);
    expect(store.asked).toEqual(['decide', 'ping', 'ping', 'ping', 'ping', 'ping']);
    store.behaviour.error = undefined;
    await clock.advance(200);
    expect([limiter.storeState, told.length]).toEqual(['up', 2]);
    expect(await limiter.tryAcquire('a')).toMatchObject({ degraded: false });
  });

  it('takes no decision longer than storeTimeoutMs', async () => {
    const { clock, store, limiter } = setUp({ storeTimeoutMs: 30 });
    store.behaviour.hangs = true;
    let decision: RateLimitDecision | undefined;
    void limiter.tryAcquire('a').then((value) => (decision = value));
    await clock.advance(29);
    expect(decision).toBeUndefined();
    await clock.advance(1);
    expect(decision).toMatchObject({ degraded: true });
  });

  it('asks no more at a time than maxInFlight, and is not away for that', async () => {
    const { clock, store, limiter } = setUp({ maxInFlight: 2, limit: 100 });
    store.behaviour.latencyMs = 10;
    const decisions = Promise.all(Array.from({ length: 5 }, () => limiter.tryAcquire('a')));
    const made = await settled(clock, decisions, 10);
    expect(made.map(({ degraded }) => degraded)).toEqual([false, false, true, true, true]);
    expect(limiter.storeState).toBe('up');
  });

  it('settles what its share has let through', async () => {
    const { store, limiter } = setUp({ limit: 100 });
    store.behaviour.error = new Error('gone');
    const decision = await limiter.tryAcquire('a', { cost: 80, settles: true });
    expect(decision.degraded).toBe(true);
    expect(await limiter.settle(decision, 10)).toBe(true);
    expect(await limiter.check('a')).toMatchObject({ remaining: 90 });
  });

  it('pauses no timer of its own after close', async () => {
    const { clock, store, limiter } = setUp();
    store.behaviour.error = new Error('gone');
    await limiter.tryAcquire('a');
    await limiter.close();
    await clock.advance(10_000);
    expect(store.asked).toEqual(['decide']);
  });
});

describe('the share of one of many processes', () => {
  it.each([
    [{ limit: 100, burst: 10 }, 4, 25 + 2],
    [{ limit: 100, burst: 10, strict: true }, 4, 25],
    [{ limit: 10, burst: 5, strict: true }, 4, 2],
    [{ limit: 3, burst: 3 }, 6, 1],
  ])('of %o among %i lets through at most %i in a period', async (limit, instances, most) => {
    const { clock, store, limiter } = setUp({ ...limit, instances });
    store.behaviour.error = new Error('gone');
    await limiter.tryAcquire('b');
    let busiest = 0;
    const times: number[] = [];
    for (let n = 0; n < 3_000; n++) {
      if ((await limiter.tryAcquire('a')).allowed) times.push(clock.now());
      await clock.advance(1);
      busiest = Math.max(busiest, times.filter((at) => at > clock.now() - 1_000).length);
    }
    expect(busiest).toBeLessThanOrEqual(most);
    expect(busiest).toBeGreaterThan(0);
  });
});

describe('a leased limiter', () => {
  const leased = { leased: true, limit: 1_000, burst: 1_000 } as const;

  it('asks the store seldom, and lets through what it promises and what is held, no more', async () => {
    const clock = new VirtualClock();
    const store = new MemoryLimits(clock);
    const fleet = Array.from({ length: 4 }, () => setUp({ ...leased, instances: 4 }, clock, store).limiter);
    let count = 0;
    let decisions = 0;
    for (let ms = 0; ms < 3_000; ms++) {
      for (const limiter of fleet) {
        decisions += 2;
        count += await admitted(limiter, 2);
      }
      await clock.advance(1);
    }
    // The burst, and a thousand a second; what came in the last tenth of one may still be there.
    expect(count).toBeLessThanOrEqual(4_000);
    expect(count).toBeGreaterThan(3_890);
    expect(store.asked.length).toBeLessThan(decisions / 40);
    expect(store.asked.length).toBeLessThan(count / 10);
    for (const limiter of fleet) expect(limiter.statistics.leased).toBeLessThanOrEqual(125);
  });

  it('does not ask a dry bucket for each decision, and refuses meanwhile', async () => {
    const { clock, store, limiter } = setUp({ ...leased, periodMs: 60_000, burst: 100 });
    expect(await admitted(limiter, 200)).toBe(100);
    await clock.advance(1);
    const before = store.asked.length;
    expect(await admitted(limiter, 1_000)).toBe(0);
    expect(store.asked.length - before).toBeLessThanOrEqual(1);
    const refused = await limiter.tryAcquire('a');
    expect(refused).toMatchObject({ allowed: false, limitName: 'rate-limit', degraded: false });
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    await clock.advance(refused.retryAfterMs);
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: true });
  });

  it('gives back what nobody uses', async () => {
    const { clock, store, limiter } = setUp({ ...leased, instances: 1 });
    await admitted(limiter, 100);
    const { leased: held } = limiter.statistics;
    expect(held).toBeGreaterThan(0);
    await clock.advance(0);
    store.asked.length = 0;
    await limiter.close();
    expect(store.asked).toEqual(['forgive']);
    const other = setUp({ limit: 1_000, burst: 1_000 }, clock, store).limiter;
    expect(await other.check('a')).toMatchObject({ remaining: 900 });
  });

  it('lets a lease go that lies idle, and costs a seldom asked key no more than it asks for', async () => {
    const { clock, limiter } = setUp({ leased: true, limit: 60, periodMs: 60_000, burst: 60, instances: 2 });
    let count = 0;
    for (let n = 0; n < 300; n++) {
      count += await admitted(limiter, 1);
      await clock.advance(1_500);
    }
    expect(count).toBe(300);
  });

  it('decides about several limits together by what is leased of each', async () => {
    const clock = new VirtualClock();
    const store = new MemoryLimits(clock);
    const limits = [
      { name: 'requests', limit: 100, periodMs: 60_000 },
      { name: 'tokens', limit: 1_000, periodMs: 60_000 },
    ];
    const { limiter } = setUp({ limits, leased: true }, clock, store);
    let count = 0;
    for (let n = 0; n < 60; n++) if ((await limiter.tryAcquire('a', { cost: { tokens: 50 } })).allowed) count++;
    expect(count).toBe(20);
    expect(await limiter.tryAcquire('a', { cost: { tokens: 50 } })).toMatchObject({
      allowed: false,
      limitName: 'tokens',
    });
  });

  it('holds leases of no more keys than maxLeases, and gives back what has to go', async () => {
    const { clock, store, limiter } = setUp({ leased: true, limit: 100, maxLeases: 10 });
    for (let n = 0; n < 200; n++) {
      const key = `client-${n}`;
      await limiter.tryAcquire(key);
      await limiter.tryAcquire(key);
    }
    await clock.advance(0);
    expect(limiter.statistics.leased).toBeLessThanOrEqual(10 * 50);
    expect(store.asked.filter((what) => what === 'forgive').length).toBeGreaterThan(50);
  });

  it('decides by itself when the store goes away, and is not held up by a batch on its way', async () => {
    const { clock, store, limiter } = setUp({ leased: true, limit: 100, periodMs: 60_000, instances: 2 });
    await admitted(limiter, 20);
    store.behaviour.hangs = true;
    const made = await settled(clock, Promise.all(Array.from({ length: 100 }, () => limiter.tryAcquire('a'))), 60);
    const without = made.filter(({ degraded, allowed }) => degraded && allowed).length;
    expect(without).toBe(50);
    expect(limiter.storeState).toBe('away');
  });

  it('looks without taking: by what is held, by what is known, by the store', async () => {
    const { store, limiter } = setUp({ leased: true, limit: 100, periodMs: 3_600_000 });
    expect(await limiter.check('a', { cost: 60 })).toMatchObject({ allowed: true, remaining: 100 });
    expect(store.asked).toEqual(['check']);
    await admitted(limiter, 100);
    store.asked.length = 0;
    expect(await limiter.check('a')).toMatchObject({ allowed: false });
    expect(store.asked).toEqual([]);
  });

  it('settles within the lease, and owes what was too much', async () => {
    const { limiter } = setUp({ leased: true, limit: 100, periodMs: 3_600_000 });
    const decision = await limiter.tryAcquire('a', { cost: 10, settles: true });
    expect(await limiter.settle(decision, 60)).toBe(true);
    expect(await limiter.settle(decision, 60)).toBe(false);
    expect(await admitted(limiter, 100)).toBe(40);
  });

  it('forgets its lease of a key that is banned or reset', async () => {
    const { limiter } = setUp({ ...leased });
    await admitted(limiter, 50);
    await limiter.ban('a', 1_000);
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: false, limitName: 'ban' });
    await limiter.reset('a');
    expect(await limiter.tryAcquire('a', { cost: 990 })).toMatchObject({ allowed: true });
  });
});

describe('acquire of a shared limiter', () => {
  it('gives turns in order of arrival, and to the more urgent of one process first', async () => {
    const { clock, limiter } = setUp({ burst: 1 });
    const order: string[] = [];
    const ask = (name: string, priority: 'high' | 'normal' | 'batch'): Promise<unknown> =>
      limiter.acquire('a', { priority }).then(() => order.push(`${name} ${clock.now()}`));
    const asked = [ask('first', 'normal'), ask('batch', 'batch'), ask('second', 'normal'), ask('urgent', 'high')];
    await clock.advance(0);
    expect(limiter.statistics).toMatchObject({ waiting: 3, queued: 3 });
    await clock.advance(1_000);
    await Promise.all(asked);
    expect(order).toEqual(['first 0', 'urgent 100', 'second 200', 'batch 300']);
    expect(limiter.statistics).toMatchObject({ waiting: 0, admitted: 4 });
  });

  it('refuses at once a wait that would be too long, and a newcomer to a full queue', async () => {
    const { clock, limiter } = setUp({ burst: 1, maxQueue: 2 });
    await limiter.acquire('a');
    const error = await limiter.acquire('a', { maxWaitMs: 50 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'RATE_LIMITED', reason: 'wait', retryAfterMs: 100 });
    const waiting = [limiter.acquire('a'), limiter.acquire('a')];
    await clock.advance(0);
    await expect(limiter.acquire('a')).rejects.toMatchObject({ reason: 'queue' });
    await clock.advance(200);
    await Promise.all(waiting);
  });

  it('gives back the place of who is aborted, at once', async () => {
    const { clock, limiter } = setUp({ burst: 1 });
    const abort = new AbortController();
    await limiter.acquire('a');
    const aborted = limiter.acquire('a', { signal: abort.signal });
    const other = limiter.acquire('a');
    await clock.advance(10);
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await settled(clock, other, 90);
    expect(clock.now()).toBe(100);
    expect(limiter.statistics).toMatchObject({ withdrawn: 1, waiting: 0 });
    await expect(limiter.acquire('a', { signal: abort.signal })).rejects.toThrow('enough');
  });

  it('gives a place back whose holder was aborted while it was being made', async () => {
    const { clock, store, limiter } = setUp({ burst: 1 });
    await limiter.acquire('a');
    store.behaviour.latencyMs = 5;
    const abort = new AbortController();
    const aborted = limiter.acquire('a', { signal: abort.signal }).catch((error: unknown) => error);
    await clock.advance(7);
    abort.abort(new Error('enough'));
    await clock.advance(20);
    expect(await aborted).toMatchObject({ message: 'enough' });
    expect(store.asked.at(-1)).toBe('cancel');
  });

  it('can be settled by whom it was for, whoever else waits for the like', async () => {
    const { clock, limiter } = setUp({ limit: 10, burst: 10 });
    await limiter.acquire('a', { cost: 10 });
    const plain = limiter.acquire('a', { cost: 5 });
    await clock.advance(0);
    const settling = limiter.acquire('a', { cost: 5, settles: true, priority: 'high' });
    await clock.advance(1_000);
    await plain;
    expect(await limiter.settle(await settling, 1)).toBe(true);
    expect(await limiter.settle(await plain, 1)).toBe(false);
    expect(await limiter.check('a')).toMatchObject({ remaining: 4 });
  });

  it('lets through at the estimate what can not be remembered for settling', async () => {
    const { limiter } = setUp({ limit: 10, maxReservations: 1 });
    const [first, second] = [
      await limiter.tryAcquire('a', { cost: 2, settles: true }),
      await limiter.tryAcquire('a', { cost: 2, settles: true }),
    ];
    expect([first.allowed, second.allowed, second.remaining]).toEqual([true, true, 6]);
    expect([await limiter.settle(second, 1), await limiter.settle(first, 1)]).toEqual([false, true]);
  });

  it('drops who is overtaken until it has waited too long, and gives back the last place', async () => {
    const { clock, limiter } = setUp({ burst: 1 });
    await limiter.acquire('a');
    const slow = limiter.acquire('a', { priority: 'batch', maxWaitMs: 150 }).catch((error: unknown) => error);
    await clock.advance(0);
    const urgent = limiter.acquire('a', { priority: 'high' });
    await clock.advance(160);
    await urgent;
    expect(await slow).toMatchObject({ code: 'RATE_LIMITED', reason: 'wait' });
    expect((await limiter.check('a')).retryAfterMs).toBe(40);
  });
});

describe('a shared limiter', () => {
  it('keeps the verbs that need no store from asking it: lists, oversize, shadow', async () => {
    const { store, limiter } = setUp({ allow: ['friend'], deny: ['foe'] });
    expect(await limiter.tryAcquire('friend')).toMatchObject({ allowed: true, limitName: 'allow-list' });
    expect(await limiter.tryAcquire('foe')).toMatchObject({ allowed: false, limitName: 'deny-list' });
    await expect(limiter.acquire('foe')).rejects.toMatchObject({ reason: 'denied' });
    expect(await limiter.reserve('foe')).toMatchObject({ reserved: false, limitName: 'deny-list' });
    expect(await limiter.reserve('friend')).toMatchObject({ reserved: true, degraded: false, delayMs: 0 });
    expect(await limiter.tryAcquire('a', { cost: 11 })).toMatchObject({ allowed: false, oversize: true });
    expect(store.asked).toEqual([]);
    const shadow = setUp({ shadow: true, limit: 1 });
    expect(await admitted(shadow.limiter, 3)).toBe(3);
    expect(shadow.limiter.statistics).toMatchObject({ shadowRefused: 2, refused: 0 });
  });

  it('changes its numbers at once, and those of other processes while they are used', async () => {
    const clock = new VirtualClock();
    const store = new MemoryLimits(clock);
    const [one, two] = [setUp({}, clock, store).limiter, setUp({}, clock, store).limiter];
    const told: unknown[] = [];
    two.events.on('limit-updated', ({ limit, previousLimit }) => told.push([limit, previousLimit]));
    await two.tryAcquire('a');
    await one.update({ limit: 5 });
    expect(one.limits).toEqual([{ name: 'rate-limit', limit: 5, periodMs: 1_000, burst: 5 }]);
    expect(await one.check('a', { cost: 6 })).toMatchObject({ oversize: true });
    expect(two.limits[0]!.limit).toBe(10);
    await two.tryAcquire('a');
    await clock.advance(1_000);
    expect([two.limits[0]!.limit, told]).toEqual([5, [[5, 10]]]);
    // One that begins later learns of it as well, and one that was configured otherwise is not concerned.
    const [later, other] = [setUp({}, clock, store).limiter, setUp({ limit: 20 }, clock, store).limiter];
    await Promise.all([later.check('a'), other.check('a')]);
    await clock.advance(0);
    expect([later.limits[0]!.limit, other.limits[0]!.limit]).toEqual([5, 20]);
    await expect(one.update({ limit: 0 })).rejects.toBeInstanceOf(ConfigurationError);
    await expect(one.update({ limit: 1 }, 'other')).rejects.toBeInstanceOf(RangeError);
    await one.update({ limit: 10 });
    await clock.advance(0);
    await later.check('a');
    await clock.advance(2_000);
    await later.check('a');
    await clock.advance(1_000);
    expect(later.limits[0]!.limit).toBe(10);
  });

  it('tells others of changed numbers when the store is back, and believes nothing that it can not mean', async () => {
    const clock = new VirtualClock();
    const store = new MemoryLimits(clock);
    const [one, two] = [setUp({}, clock, store).limiter, setUp({}, clock, store).limiter];
    await one.check('a');
    store.behaviour.error = new Error('gone');
    await one.update({ limit: 5 });
    store.behaviour.error = undefined;
    await clock.advance(1_000);
    await one.check('a');
    await clock.advance(1_000);
    await two.check('a');
    await clock.advance(0);
    expect(two.limits[0]!.limit).toBe(5);
    for (const nonsense of ['{', 'null', '{"from":{"limit":10,"periodMs":1000},"to":{"limit":-1,"periodMs":0}}']) {
      await store.tellNumbers('rate-limit', nonsense);
      await two.check('a');
      await clock.advance(2_000);
      expect(two.limits[0]!.limit).toBe(5);
    }
    const strict = setUp({ onStoreError: 'throw' }, clock, store);
    store.behaviour.error = new Error('gone');
    await expect(strict.limiter.update({ limit: 4 })).rejects.toBeInstanceOf(LimitStoreError);
  });

  it('has reservations that end once', async () => {
    const { clock, limiter } = setUp({ burst: 1 });
    const slot = (await limiter.reserve('a', { expiresMs: 50 })) as SharedReservation;
    expect([await Promise.all([slot.cancel(), slot.commit()]), slot.state]).toEqual([[true, false], 'cancelled']);
    const again = (await limiter.reserve('a', { expiresMs: 50 })) as SharedReservation;
    await clock.advance(51);
    expect([again.state, await again.delayBy(1), await again.settle(1)]).toEqual(['expired', false, false]);
    const later = (await limiter.reserve('a')) as SharedReservation;
    let isReady = false;
    void later.ready().then(() => (isReady = true));
    await clock.advance(later.delayMs - 1);
    expect(isReady).toBe(false);
    await clock.advance(1);
    expect(isReady).toBe(true);
    await expect(later.delayBy(-1)).rejects.toBeInstanceOf(RangeError);
  });

  it('tells all faults of its options at once, by the name that the caller knows', () => {
    const make = () => sharedRateLimiter({ limit: 0, periodMs: 1, leased: true, store: {}, nonsense: 1 } as never);
    expect(make).toThrow(ConfigurationError);
    try {
      make();
    } catch (error) {
      const paths = (error as ConfigurationError).faults.map(({ path }) => path);
      expect(paths).toEqual(
        expect.arrayContaining([
          'sharedRateLimiter.limit',
          'sharedRateLimiter.nonsense',
          'sharedRateLimiter.store',
          'sharedRateLimiter.namespace',
        ]),
      );
    }
    expect(() => setUp({ leased: true, instances: 6, burst: 10 })).toThrow(/two for each instance/);
    const windowed = { leased: true, instances: 6, limit: 10, algorithm: slidingWindow };
    expect(() => setUp(windowed)).toThrow(/sharedRateLimiter.limit: .*two for each instance/);
    expect(() => setUp({ maxKeys: 5 } as never)).toThrow(/no such option/);
    expect(() => sharedRateLimiter(undefined as never)).toThrow(ConfigurationError);
    expect(() => setUp({ limit: 1e9, periodMs: 34_560_000_000 })).toThrow(/can count/);
  });
});
