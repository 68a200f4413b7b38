import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { seededRandom } from '../../clock/random.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Priority } from '../../policy/priority.ts';
import { Histogram } from '../../structures/histogram.ts';
import { rateLimit, rateLimiter } from '../index.ts';

const PER_SECOND = 100;

/** A minute of Poisson arrivals of HIGH and a queue of BATCH that never ends, at a load of HIGH alone. */
async function simulate(load: number) {
  const clock = new VirtualClock();
  const random = seededRandom(7);
  const limiter = rateLimiter({ limit: PER_SECOND, periodMs: 1_000, burst: 2, maxQueue: Infinity, clock });
  const waits = new Histogram();
  const served: Record<'high' | 'batch', number> = { high: 0, batch: 0 };
  const seconds = 60;
  const ask = (priority: 'high' | 'batch'): void => {
    const askedAt = clock.now();
    void limiter.acquire(undefined, { priority }).then(() => {
      served[priority]++;
      if (priority === 'high') waits.record(clock.now() - askedAt);
      else ask('batch');
    });
  };
  for (let times = 0; times < 10; times++) ask('batch');
  while (clock.now() < seconds * 1_000) {
    await clock.advance(-Math.log(1 - random.next()) * (1_000 / (PER_SECOND * load)));
    ask('high');
  }
  return {
    highP99Ms: waits.quantile(0.99),
    batchPerSecond: served.batch / seconds,
    highPerSecond: served.high / seconds,
  };
}

describe('urgent requests before a queue of batch work that never ends', () => {
  it.each([
    { load: 0.9, highP99Ms: 300, batchPerSecond: [8, 12] },
    { load: 0.95, highP99Ms: 600, batchPerSecond: [4, 8] },
    // More than there is: the wait of HIGH grows with time, and BATCH keeps its floor.
    { load: 1.1, highP99Ms: 10_000, batchPerSecond: [1.9, 2.1] },
  ])(
    'at a load of $load wait so long, and leave batch its floor of 2 %',
    async ({ load, highP99Ms, batchPerSecond }) => {
      const seen = await simulate(load);
      console.log(
        `load ${load}: HIGH p99 ${seen.highP99Ms.toFixed(0)} ms, ${seen.highPerSecond.toFixed(1)} a second; BATCH ${seen.batchPerSecond.toFixed(1)} a second`,
      );
      expect(seen.highP99Ms).toBeLessThanOrEqual(highP99Ms);
      expect(seen.batchPerSecond).toBeGreaterThanOrEqual(batchPerSecond[0]!);
      expect(seen.batchPerSecond).toBeLessThanOrEqual(batchPerSecond[1]!);
    },
    60_000,
  );
});

/** Lets `clients` ask for so much each at once, and counts what each has got after `ms`. */
async function shares(ms: number, asked: Readonly<Record<string, readonly { cost: number; priority?: Priority }[]>>) {
  const clock = new VirtualClock();
  const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 10, maxQueue: Infinity, clock });
  limiter.tryAcquire('upstream', { cost: 10 });
  const got: Record<string, number> = {};
  for (const [client, requests] of Object.entries(asked)) {
    got[client] = 0;
    for (const { cost, priority } of requests) {
      void limiter.acquire('upstream', { client, cost, priority }).then(() => (got[client]! += cost));
    }
  }
  await clock.advance(ms);
  return got;
}

const many = (times: number, cost = 1) => Array.from({ length: times }, () => ({ cost }));

describe('clients of one priority who share a key', () => {
  it('get equal shares: a greedy one of ten takes no more than its own', async () => {
    const asked: Record<string, { cost: number }[]> = { greedy: many(10_000) };
    for (let index = 1; index < 10; index++) asked[`client-${index}`] = many(20);
    const got = await shares(10_000, asked);
    expect(Object.values(got)).toEqual(new Array(10).fill(10));
  });

  it('get the rest when others want nothing', async () => {
    expect(await shares(10_000, { greedy: many(10_000), modest: many(5) })).toEqual({ greedy: 95, modest: 5 });
  });

  it('get equal shares by cost, not by number: large requests are no advantage, and no disadvantage', async () => {
    const got = await shares(20_000, { large: many(100, 5), small: many(1_000, 1) });
    expect(Math.abs(got['large']! - got['small']!)).toBeLessThanOrEqual(5);
  });

  it('are served each in its own order', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 1, clock });
    limiter.tryAcquire();
    const log: string[] = [];
    for (const name of ['a1', 'a2', 'a3', 'b1', 'b2'])
      void limiter.acquire(undefined, { client: name[0]! }).then(() => log.push(name));
    await clock.advance(1_000);
    expect(log).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
  });

  it('foresee their own wait, not that of a greedy one before them', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 1, clock });
    limiter.tryAcquire();
    for (let times = 0; times < 100; times++) void limiter.acquire(undefined, { client: 'greedy' });
    const modest = limiter.acquire(undefined, { client: 'modest', maxWaitMs: 300 });
    await expect(limiter.acquire(undefined, { client: 'greedy', maxWaitMs: 300 })).rejects.toMatchObject({
      reason: 'wait',
    });
    await clock.advance(300);
    expect((await modest).allowed).toBe(true);
  });
});

describe('a newcomer whose urgency has passed somebody over for long', () => {
  /** A batch request that needs more than ever comes together beside urgent ones, and has been passed over long enough. */
  async function passedOver() {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 100, periodMs: 1_000, clock });
    limiter.tryAcquire(undefined, { cost: 50 });
    let batchAt = -1;
    void limiter.acquire(undefined, { priority: 'batch', cost: 60 }).then(() => (batchAt = clock.now()));
    let decision = limiter.check();
    do {
      await clock.advance(10);
      decision = limiter.tryAcquire(undefined, { priority: 'high' });
    } while (decision.allowed);
    return { clock, limiter, decision, batchAt: () => batchAt };
  }

  it('is told when it fits behind that one, and does then', async () => {
    const { clock, limiter, decision, batchAt } = await passedOver();
    expect(decision).toMatchObject({ allowed: false, retryAfterMs: 100 });
    const refusedAt = clock.now();
    await clock.advance(100);
    expect(batchAt()).toBe(refusedAt + 90);
    expect(limiter.tryAcquire(undefined, { priority: 'high' }).allowed).toBe(true);
  });

  it('lets that one go on at once where it fits beside what the others wait for', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 1_000, periodMs: 1_000, clock });
    limiter.tryAcquire(undefined, { cost: 500 });
    void limiter.acquire(undefined, { cost: 900 });
    let batchAt = -1;
    void limiter.acquire(undefined, { priority: 'batch' }).then(() => (batchAt = clock.now()));
    await clock.advance(10);
    expect([limiter.tryAcquire(undefined, { priority: 'critical', cost: 49 }).allowed, batchAt]).toEqual([true, -1]);
    await clock.advance(0);
    expect(batchAt).toBe(10);
  });

  it('does not wait where its pipeline does not want to', async () => {
    const { clock, limiter } = await passedOver();
    const calls = pipeline({ clock }, rateLimit(limiter, { mode: 'refuse' }));
    const { queued } = limiter.statistics;
    const outcome = await calls.tryExecute(() => 1, { priority: 'high' });
    expect(outcome).toMatchObject({ ok: false, error: { code: 'RATE_LIMITED', reason: 'limit', retryAfterMs: 100 } });
    expect(limiter.statistics.queued).toBe(queued);
  });
});

describe('a client that a limit of its own holds back', () => {
  it('is in nobody else’s way, and goes on when its limit lets it', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({
      limits: [
        { name: 'client', limit: 1, periodMs: 1_000, per: 'client' },
        { name: 'all', limit: 10, periodMs: 1_000, burst: 1, per: [] },
      ],
      clock,
    });
    const log: string[] = [];
    const ask = (client: string): void =>
      void limiter.acquire({ client }).then(() => log.push(`${client} ${clock.now()}`));
    limiter.tryAcquire({ client: 'a' });
    for (const client of ['a', 'a', 'b', 'c', 'b']) ask(client);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(2_500);
    expect(log).toEqual(['b 100', 'c 200', 'a 1000', 'b 1100', 'a 2000']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('moves up when its first request leaves', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({
      limits: [
        { name: 'client', limit: 10, periodMs: 1_000, per: 'client' },
        { name: 'all', limit: 1_000, periodMs: 1_000, per: [] },
      ],
      clock,
    });
    limiter.tryAcquire({ client: 'a' }, { cost: 8 });
    const controller = new AbortController();
    const large = limiter.acquire({ client: 'a' }, { cost: 10, signal: controller.signal }).catch(String);
    let smallAt = -1;
    void limiter.acquire({ client: 'a' }, { cost: 2 }).then(() => (smallAt = clock.now()));
    await clock.advance(10);
    controller.abort('no');
    await clock.advance(0);
    expect([await large, smallAt]).toEqual(['no', 10]);
  });
});
