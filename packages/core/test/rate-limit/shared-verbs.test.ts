/** The verbs of a shared limiter on a real Redis, through each of the clients. */
import { fixedWindow, gcra, type SharedReservation, slidingLog, slidingWindow } from 'breakwater/rate-limit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { redisMissing } from '../cache/redis-server.ts';
import { clientNames, RedisBench } from './redis-limits.ts';

if (redisMissing !== undefined) console.log(`not run: shared limits on Redis: ${redisMissing}`);

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

const hour = { periodMs: 3_600_000 };
const held = (made: object): SharedReservation => {
  expect(made).toMatchObject({ reserved: true });
  return made as SharedReservation;
};

describe.skipIf(redisMissing !== undefined).each(clientNames)('a shared limiter through %s', (client) => {
  it('counts what two processes take together', async () => {
    const [one, two] = [
      await bench.limiter({ limit: 3, ...hour }, client),
      await bench.limiter({ limit: 3, ...hour }, client),
    ];
    expect(await one.tryAcquire('a')).toMatchObject({
      allowed: true,
      remaining: 2,
      limitName: 'rate-limit',
      degraded: false,
    });
    expect(await two.tryAcquire('a')).toMatchObject({ allowed: true, remaining: 1 });
    expect(await two.check('a', { cost: 2 })).toMatchObject({ allowed: false, remaining: 1 });
    expect(await one.tryAcquire('a')).toMatchObject({ allowed: true, remaining: 0 });
    const refused = await two.tryAcquire('a');
    expect(refused).toMatchObject({ allowed: false, remaining: 0, oversize: false });
    expect(refused.retryAfterMs).toBeGreaterThan(1_190_000);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(1_200_000);
    expect(await one.tryAcquire('b')).toMatchObject({ allowed: true, remaining: 2 });
    expect(one.statistics).toMatchObject({ admitted: 3, refused: 0, degraded: 0 });
    expect(two.statistics).toMatchObject({ admitted: 1, refused: 1, refusedBy: { 'rate-limit': 1 } });
  });

  it('goes on when the server has lost its scripts', async () => {
    const limiter = await bench.limiter({ limit: 100, ...hour }, client);
    for (let n = 0; n < 5; n++) await limiter.tryAcquire('a');
    await bench.bare.script('FLUSH');
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: true, remaining: 94 });
    await bench.bare.script('FLUSH');
    expect(await limiter.reserve('a')).toMatchObject({ reserved: true });
    expect(limiter.statistics.storeFailures).toBe(0);
  });

  it('lets through by several limits together, or takes nothing from any', async () => {
    const limits = [
      { name: 'minute', limit: 2, periodMs: 60_000, per: 'client' },
      { name: 'all', limit: 5, periodMs: 60_000, per: [] },
    ];
    const limiter = await bench.limiter({ limits }, client);
    for (let n = 0; n < 2; n++) expect(await limiter.tryAcquire({ client: 'a' })).toMatchObject({ allowed: true });
    for (let n = 0; n < 9; n++)
      expect(await limiter.tryAcquire({ client: 'a' })).toMatchObject({ allowed: false, limitName: 'minute' });
    expect(await limiter.tryAcquire({ client: 'b' })).toMatchObject({
      allowed: true,
      limitName: 'minute',
      remaining: 1,
    });
    expect(await limiter.check({ client: 'c' }, { cost: { all: 2, minute: 1 } })).toMatchObject({ allowed: true });
    expect(await limiter.check({ client: 'c' }, { cost: { all: 3, minute: 1 } })).toMatchObject({
      limitName: 'all',
      allowed: false,
    });
  });

  it('reserves places in time that no other process has, moves them and gives them back', async () => {
    // One a minute: a machine that stands still for seconds makes no difference.
    const options = { limit: 60, periodMs: 3_600_000, burst: 1 };
    const [one, two] = [await bench.limiter(options, client), await bench.limiter(options, client)];
    const first = held(await one.reserve('a'));
    const second = held(await two.reserve('a'));
    const third = held(await one.reserve('a'));
    expect(first.delayMs).toBe(0);
    expect(second.delayMs).toBeGreaterThan(54_000);
    expect(third.delayMs - second.delayMs).toBeGreaterThan(54_000);
    expect(await one.reserve('a', { maxWaitMs: 90_000 })).toMatchObject({
      reserved: false,
      limitName: 'rate-limit',
      oversize: false,
    });
    expect(await second.cancel()).toBe(true);
    expect([await second.cancel(), second.state]).toEqual([false, 'cancelled']);
    const again = held(await one.reserve('a'));
    expect(Math.abs(again.delayMs - second.delayMs)).toBeLessThan(12_000);
    expect(await third.delayBy(300_000)).toBe(true);
    expect(third.delayMs).toBeGreaterThan(360_000);
    expect(await two.tryAcquire('a')).toMatchObject({ allowed: false });
    expect(await again.commit()).toBe(true);
    expect([await again.cancel(), again.state]).toEqual([false, 'committed']);
  });

  it('settles what was estimated, up and down', async () => {
    const limiter = await bench.limiter({ limit: 1_000, ...hour }, client);
    const decision = await limiter.tryAcquire('a', { cost: 400, settles: true });
    expect(decision.allowed).toBe(true);
    expect(await limiter.settle(decision, 100)).toBe(true);
    expect(await limiter.settle(decision, 100)).toBe(false);
    expect((await limiter.check('a')).remaining).toBeGreaterThanOrEqual(899);
    const more = await limiter.tryAcquire('a', { cost: 100, settles: true });
    expect(await limiter.settle(more, 300)).toBe(true);
    const { remaining } = await limiter.check('a');
    expect(remaining).toBeGreaterThanOrEqual(599);
    expect(remaining).toBeLessThanOrEqual(601);
    expect(limiter.statistics.overshoot).toBe(200);
  });

  it('bans, penalises, rewards and resets for all processes', async () => {
    const [one, two] = [
      await bench.limiter({ limit: 10, ...hour }, client),
      await bench.limiter({ limit: 10, ...hour }, client),
    ];
    await one.ban('a', 60_000);
    const banned = await two.tryAcquire('a');
    expect(banned).toMatchObject({ allowed: false, limitName: 'ban' });
    expect(banned.retryAfterMs).toBeGreaterThan(50_000);
    await two.reset('a');
    expect(await one.tryAcquire('a')).toMatchObject({ allowed: true, remaining: 9 });
    await one.penalise('a', 15);
    expect(await two.check('a')).toMatchObject({ allowed: false, remaining: 0 });
    await two.reward('a', 10);
    expect(await one.check('a')).toMatchObject({ allowed: true, remaining: 4 });
    await one.ban('b', Infinity);
    expect(await two.tryAcquire('b')).toMatchObject({ allowed: false, retryAfterMs: Infinity });
  });

  it('holds back all processes when a server says so, and charges what the server counts', async () => {
    const [one, two] = [
      await bench.limiter({ limit: 10, ...hour }, client),
      await bench.limiter({ limit: 10, ...hour }, client),
    ];
    await one.feedback({ status: 429, headers: { 'retry-after': '30' } }, 'a');
    expect(await two.tryAcquire('a')).toMatchObject({ allowed: false, limitName: 'pause' });
    await one.feedback({ status: 200, headers: { 'x-ratelimit-remaining': '3', 'x-ratelimit-limit': '10' } }, 'b');
    expect(await two.check('b')).toMatchObject({ remaining: 3 });
  });

  it('waits for its turn beside those of other processes', async () => {
    const options = { limit: 10, periodMs: 1_000, burst: 1 };
    const [one, two] = [await bench.limiter(options, client), await bench.limiter(options, client)];
    const startedAt = performance.now();
    await Promise.all([one, two, one, two, one].map((limiter) => limiter.acquire('a')));
    expect(performance.now() - startedAt).toBeGreaterThan(395);
    await expect(one.acquire('a', { cost: 2 })).rejects.toMatchObject({ code: 'COST_TOO_LARGE' });
  });

  it('refuses at once a wait that is too long, and gives back the places of those who are aborted', async () => {
    const options = { limit: 1, periodMs: 60_000 };
    const [one, two] = [await bench.limiter(options, client), await bench.limiter(options, client)];
    await two.acquire('a');
    const abort = new AbortController();
    const waiting = [one.acquire('a', { signal: abort.signal }), one.acquire('a', { signal: abort.signal })];
    const ends = Promise.allSettled(waiting);
    await expect.poll(() => one.statistics.waiting, { timeout: 5_000 }).toBe(2);
    const refused = await two.acquire('a', { maxWaitMs: 100_000 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', reason: 'wait' });
    abort.abort(new Error('enough'));
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect.poll(async () => (await two.check('a')).retryAfterMs, { timeout: 5_000 }).toBeLessThan(61_000);
  });
});

describe.skipIf(redisMissing !== undefined)('a shared limiter on Redis', () => {
  it.each([slidingLog, slidingWindow, fixedWindow])('counts by $kind', async (algorithm) => {
    const [one, two] = [
      await bench.limiter({ limit: 3, ...hour, algorithm }),
      await bench.limiter({ limit: 3, ...hour, algorithm }),
    ];
    expect(await one.tryAcquire('a')).toMatchObject({ allowed: true, remaining: 2 });
    expect(await two.tryAcquire('a', { cost: 2 })).toMatchObject({ allowed: true, remaining: 0 });
    const refused = await one.tryAcquire('a');
    expect(refused).toMatchObject({ allowed: false, remaining: 0 });
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    await one.reward('a', 1);
    const slot = held(await two.reserve('a'));
    expect(slot.delayMs).toBe(0);
    expect(await one.check('a')).toMatchObject({ allowed: false });
    expect(await slot.cancel()).toBe(true);
    expect(await one.check('a')).toMatchObject({ allowed: true, remaining: 1 });
    const later = held(await two.reserve('a', { cost: 3 }));
    expect(later.delayMs).toBeGreaterThan(0);
    expect(await later.cancel()).toBe(true);
    expect(await one.check('a')).toMatchObject({ allowed: true, remaining: 1 });
  });

  it('keeps one key of at most 130 bytes per key, which expires by itself', async () => {
    const limiter = await bench.limiter({ limit: 10, ...hour, namespace: 'api' });
    await limiter.tryAcquire('client-7');
    const keys = await bench.bare.keys('*');
    expect(keys).toEqual(['{api:client-7}:rate-limit']);
    expect(Number(await bench.bare.call('MEMORY', 'USAGE', keys[0]!))).toBeLessThanOrEqual(130);
    const ttl = await bench.bare.pttl(keys[0]!);
    expect(ttl).toBeGreaterThan(350_000);
    expect(ttl).toBeLessThanOrEqual(360_000);
  });

  it('tells keys apart that look alike, and knows a key from none', async () => {
    const limiter = await bench.limiter({ limit: 1, ...hour });
    const keys = ['a:b', { a: 'b' }, '', undefined, '{a}', 'a%3Ab', '!', 'a!b'];
    for (const key of keys) expect([key, (await limiter.tryAcquire(key)).allowed]).toEqual([key, true]);
    for (const key of keys) expect([key, (await limiter.tryAcquire(key)).allowed]).toEqual([key, false]);
  });

  it('asks for nothing that can never fit, and keeps a reservation that nobody commits from being given back for ever', async () => {
    const limiter = await bench.limiter({ limit: 10, ...hour });
    expect(await limiter.tryAcquire('a', { cost: 11 })).toMatchObject({
      allowed: false,
      oversize: true,
      retryAfterMs: Infinity,
    });
    expect(await limiter.reserve('a', { cost: 11 })).toMatchObject({
      reserved: false,
      oversize: true,
      retryAfterMs: Infinity,
    });
    expect(limiter.statistics.storeCalls).toBe(0);
    const slot = held(await limiter.reserve('a', { expiresMs: 20 }));
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect([slot.state, await slot.cancel()]).toEqual(['expired', false]);
    expect(await limiter.check('a')).toMatchObject({ remaining: 9 });
    await limiter.tryAcquire('a');
    expect(String(await bench.bare.get((await bench.bare.keys('*'))[0]!)).startsWith('L')).toBe(false);
  });

  it('keeps a limit of 400 days, and lets one of a millisecond go', async () => {
    const long = await bench.limiter({ limit: 2, periodMs: 34_560_000_000 });
    expect(await long.tryAcquire('a', { cost: 2 })).toMatchObject({ allowed: true });
    const refused = await long.tryAcquire('a');
    expect(refused.allowed).toBe(false);
    expect(refused.retryAfterMs).toBeGreaterThan(17_279_000_000);
    const short = await bench.limiter({ limit: 1, periodMs: 1, namespace: 'short' });
    for (let n = 0; n < 5; n++) {
      await short.acquire('a', { maxWaitMs: 1_000 });
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    expect(await bench.bare.exists('{short:a}:rate-limit')).toBe(0);
  });

  it('trusts the clock of no process: one that is an hour ahead lets through no more', async () => {
    const ahead = {
      now: () => (performance.now() + 3_600_000) as never,
      wallTime: () => (Date.now() + 3_600_000) as never,
      setTimer: (delayMs: number, callback: () => void) => {
        const timer = setTimeout(callback, delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
    };
    for (const algorithm of [gcra, slidingLog, slidingWindow, fixedWindow]) {
      const options = { limit: 4, ...hour, algorithm, namespace: algorithm.kind };
      const [one, two] = [await bench.limiter(options), await bench.limiter({ ...options, clock: ahead })];
      let admitted = 0;
      for (let n = 0; n < 10; n++) if ((await (n % 2 === 0 ? one : two).tryAcquire('a')).allowed) admitted++;
      expect([algorithm.kind, admitted]).toEqual([algorithm.kind, 4]);
    }
  });

  it('asks the server for nothing that looks at all keys, and writes none without an end', async () => {
    await bench.bare.config('RESETSTAT');
    const limiter = await bench.limiter({ limit: 10, ...hour });
    await limiter.tryAcquire('a');
    await limiter.ban('b', 60_000);
    await limiter.feedback({ status: 429, headers: { 'retry-after': '9' } }, 'c');
    await limiter.penalise('d', 20);
    const slot = held(await limiter.reserve('a'));
    await slot.delayBy(1_000);
    await limiter.reset('b');
    const used = [...(await bench.bare.info('commandstats')).matchAll(/^cmdstat_([a-z|]+):/gm)].map(([, name]) => name);
    expect(used.filter((name) => ['keys', 'scan', 'flushall', 'flushdb'].includes(name!))).toEqual([]);
    for (const key of await bench.bare.keys('*')) expect([key, (await bench.bare.pttl(key)) > 0]).toEqual([key, true]);
  });

  it('changes the numbers of a limit for all processes', async () => {
    const options = { limit: 10, ...hour, followMs: 20 };
    const [one, two] = [await bench.limiter(options), await bench.limiter(options)];
    await one.update({ limit: 4 });
    await expect.poll(async () => (await two.check('a')).limitValue, { timeout: 5_000 }).toBe(4);
    expect(await two.tryAcquire('a')).toMatchObject({ allowed: true, remaining: 3 });
  });

  it('holds no more places of a key than maxReservations, and says so', async () => {
    const limiter = await bench.limiter({ limit: 10, ...hour, maxReservations: 2 });
    const first = held(await limiter.reserve('a'));
    held(await limiter.reserve('a'));
    expect(await limiter.reserve('a')).toMatchObject({ reserved: false, limitName: 'reservations', oversize: false });
    await first.cancel();
    held(await limiter.reserve('a'));
  });

  it('takes over what a process with other numbers, or another algorithm, has left', async () => {
    const [slow, fast] = [await bench.limiter({ limit: 10, ...hour }), await bench.limiter({ limit: 1_000, ...hour })];
    await slow.tryAcquire('a', { cost: 5 });
    const { resetMs } = await fast.check('a');
    expect(resetMs).toBeGreaterThan(1_790_000);
    expect(resetMs).toBeLessThanOrEqual(1_800_000);
    const log = await bench.limiter({ limit: 10, ...hour, algorithm: slidingLog });
    expect(await log.tryAcquire('a')).toMatchObject({ allowed: true, remaining: 9 });
    expect(await slow.tryAcquire('a')).toMatchObject({ allowed: true });
  });
});
