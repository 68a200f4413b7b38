import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { connectionPool, type ConnectionPoolOptions, type CreateContext } from './index.ts';

interface Connection {
  readonly id: number;
  alive: boolean;
  ended: boolean;
}

/** A pool of connections that are there at once, unless the options say otherwise. */
function setUp(options: Partial<ConnectionPoolOptions<Connection>> = {}) {
  const clock = new VirtualClock();
  const made: Connection[] = [];
  const contexts: CreateContext[] = [];
  const pool = connectionPool<Connection>({
    clock,
    random: seededRandom(1),
    create: async (context) => {
      contexts.push(context);
      const connection = { id: made.length, alive: true, ended: false };
      made.push(connection);
      return connection;
    },
    destroy: async (connection) => {
      connection.ended = true;
    },
    ...options,
  });
  const after = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(ms, resolve));
  return { clock, pool, made, contexts, after };
}

describe('a connection pool', () => {
  it('makes a resource when one is wanted, lends it, and lends it again when it is back', async () => {
    const { pool, made } = setUp();
    const first = await pool.acquire();
    expect([first.resource.id, pool.statistics.inUse, made.length]).toEqual([0, 1, 1]);
    first.release();
    first.release();
    expect((await pool.acquire()).resource).toBe(first.resource);
    expect(pool.statistics).toMatchObject({ size: 1, inUse: 1, idle: 0, acquired: 2, created: 1, peakSize: 1 });
  });

  it('lends the one that was used last', async () => {
    const { pool } = setUp();
    const [a, b] = await Promise.all([pool.acquire(), pool.acquire()]);
    b.release();
    a.release();
    expect((await pool.acquire()).resource).toBe(a.resource);
  });

  it('lends a resource to a function and takes it back, however that ends', async () => {
    const { pool } = setUp();
    expect(await pool.use(({ id }) => id)).toBe(0);
    expect(await rejection(pool.use(() => Promise.reject(new Error('no'))))).toMatchObject({ message: 'no' });
    expect(pool.statistics).toMatchObject({ inUse: 0, idle: 1 });
  });

  it('takes a resource back at the end of a using block', async () => {
    const { pool } = setUp();
    const lease = await pool.acquire();
    (lease as unknown as Record<symbol, () => void>)[Symbol.dispose]!();
    expect(pool.statistics).toMatchObject({ inUse: 0, idle: 1 });
  });

  it('grows at once when all are in use, not after the time of those who wait', async () => {
    const { clock, pool, made } = setUp({ maxSize: 1, maxOverflow: 1 });
    await pool.acquire();
    const second = watched(pool.acquire());
    await microtasks();
    expect([second.state, made.length, clock.now()]).toEqual(['fulfilled', 2, 0]);
  });

  it('never exceeds its maximum, however many come at once while the first are still being made', async () => {
    const { clock, pool, made, after } = setUp({
      maxSize: 2,
      maxOverflow: 1,
      create: async () => {
        await after(10);
        const connection = { id: made.length, alive: true, ended: false };
        made.push(connection);
        return connection;
      },
    });
    const waiting = Array.from({ length: 50 }, () => watched(pool.acquire({ timeoutMs: 1_000 })));
    expect(pool.statistics).toMatchObject({ size: 3, creating: 3, waiting: 50 });
    await clock.advance(10);
    expect(waiting.map(({ state }) => state).lastIndexOf('fulfilled')).toBe(2);
    expect(made).toHaveLength(3);
    await clock.advance(1_000);
    expect([made.length, pool.statistics.timedOut]).toEqual([3, 47]);
  });

  it('makes no more at once than it may, and the next when one is made or could not be', async () => {
    const makings: ReturnType<typeof deferred<Connection>>[] = [];
    const { pool } = setUp({
      maxCreating: 2,
      minSize: 3,
      create: () => {
        const making = deferred<Connection>();
        makings.push(making);
        return making.promise;
      },
    });
    const waiting = Array.from({ length: 5 }, () => watched(pool.acquire()));
    await microtasks();
    expect([makings.length, pool.statistics.creating]).toEqual([2, 2]);
    makings[0]!.resolve({ id: 0, alive: true, ended: false });
    await microtasks();
    expect([makings.length, pool.statistics.creating, waiting[0]!.state]).toEqual([3, 2, 'fulfilled']);
    makings[1]!.reject(new Error('refused'));
    await microtasks();
    expect([makings.length, pool.statistics.creating]).toEqual([4, 2]);
    for (let made = 2; made < makings.length; made++) {
      makings[made]!.resolve({ id: made, alive: true, ended: false });
      await microtasks();
    }
    // Whoever had waited longest when one could not be made was told so, and needs none.
    expect([makings.length, pool.statistics.size, pool.statistics.waiting]).toEqual([5, 4, 0]);
  });

  it('serves those who wait in the order in which they came', async () => {
    const { pool } = setUp({ maxSize: 1, maxOverflow: 0 });
    const order: number[] = [];
    const gate = deferred<void>();
    const uses = [1, 2, 3].map((visitor) =>
      pool.use(async () => {
        order.push(visitor);
        await gate.promise;
      }),
    );
    gate.resolve();
    await Promise.all(uses);
    expect(order).toEqual([1, 2, 3]);
  });

  it('ends overflow as soon as nobody waits for it', async () => {
    const { pool, made } = setUp({ maxSize: 1, maxOverflow: 2 });
    const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    for (const lease of leases) lease.release();
    await microtasks();
    expect(pool.statistics).toMatchObject({ size: 1, idle: 1 });
    expect(pool.statistics.destroyed.surplus).toBe(2);
    expect(made.filter(({ ended }) => !ended)).toHaveLength(1);
  });

  it('tells who waited too long how the pool stood, and what its last failure was', async () => {
    const { clock, pool } = setUp({ maxSize: 1, maxOverflow: 0, name: 'shop-db' });
    await pool.acquire();
    const late = watched(pool.acquire({ timeoutMs: 50 }));
    await clock.advance(49);
    expect(late.state).toBe('pending');
    await clock.advance(1);
    expect(late.error).toMatchObject({
      code: 'POOL_TIMEOUT',
      category: 'timeout',
      message: 'no resource within 50 ms: 1 in use, 0 in the making, 1 waiting (shop-db)',
      details: { timeoutMs: 50, inUse: 1, creating: 0, waiting: 1, most: 1 },
    });
    expect(pool.statistics).toMatchObject({ waiting: 0, timedOut: 1 });
    const usual = watched(pool.acquire());
    await clock.advance(30_000);
    expect(usual.error).toMatchObject({ code: 'POOL_TIMEOUT' });
  });

  it('lets who waits go at once when aborted, and lets go of the signal', async () => {
    const { clock, pool } = setUp({ maxSize: 1, maxOverflow: 0 });
    const lease = await pool.acquire();
    const { controller, signal, ...counted } = countedController();
    const leaving = watched(pool.acquire({ signal }));
    const staying = watched(pool.acquire());
    controller.abort('left');
    await microtasks();
    expect([leaving.error, counted.listening]).toEqual(['left', 0]);
    lease.release();
    await microtasks();
    expect(staying.state).toBe('fulfilled');
    expect(await rejection(pool.acquire({ signal }))).toBe('left');
    await clock.advance(40_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses newcomers when as many wait as may, unless a resource can be had without waiting', async () => {
    const { pool } = setUp({ maxSize: 2, maxOverflow: 0, maxWaiting: 0 });
    const both = await Promise.all([pool.acquire(), pool.acquire()]);
    expect(await rejection(pool.acquire())).toMatchObject({ code: 'POOL_FULL', category: 'bulkhead' });
    both[0].release();
    expect((await pool.acquire()).resource).toBe(both[0].resource);
  });

  it('gives the error of a resource that could not be made to who has waited longest, and goes on for the others', async () => {
    const answers = [
      Promise.reject(new Error('wrong password')),
      Promise.resolve({ id: 7, alive: true, ended: false }),
    ];
    const { pool } = setUp({ maxSize: 1, maxOverflow: 0, create: () => answers.shift()! });
    const [first, second] = [watched(pool.acquire()), watched(pool.acquire())];
    await microtasks();
    expect(first.error).toMatchObject({ message: 'wrong password' });
    expect(second.value!.resource.id).toBe(7);
    expect(pool.statistics).toMatchObject({ createFailed: 1, created: 1 });
  });

  it('names the last failure as the cause when time runs out', async () => {
    let makings = 0;
    const down = new Error('down');
    const { clock, pool } = setUp({
      maxSize: 1,
      maxOverflow: 0,
      create: () => (makings++ === 0 ? Promise.reject(down) : new Promise(() => undefined)),
    });
    const both = [watched(pool.acquire({ timeoutMs: 100 })), watched(pool.acquire({ timeoutMs: 100 }))];
    await clock.advance(100);
    expect(both[0]!.error).toBe(down);
    expect((both[1]!.error as Error).cause).toBe(down);
  });

  it('gives up on a resource that is too long in the making, aborts it, keeps its place until that has ended, and ends what comes late', async () => {
    const late = deferred<Connection>();
    let makings = 0;
    let signal!: AbortSignal;
    const { clock, pool } = setUp({
      maxSize: 1,
      maxOverflow: 0,
      createTimeoutMs: 100,
      destroyTimeoutMs: 1_000,
      create: (context) => {
        signal = context.signal;
        return makings++ === 0 ? late.promise : new Promise(() => undefined);
      },
    });
    const first = watched(pool.acquire());
    const second = watched(pool.acquire());
    await clock.advance(100);
    expect(first.error).toMatchObject({
      code: 'POOL_RESOURCE_TIMEOUT',
      message: 'create did not end within 100 ms (connection-pool)',
    });
    expect(signal.reason).toBe(first.error);
    expect([makings, pool.statistics.size, second.state]).toEqual([1, 1, 'pending']);
    const connection = { id: 0, alive: true, ended: false };
    late.resolve(connection);
    await microtasks();
    expect([connection.ended, makings, pool.statistics.size]).toEqual([true, 2, 1]);
    // The second making hangs for ever: its place is given away all the same.
    await clock.advance(100);
    const third = watched(pool.acquire());
    await clock.advance(1_000);
    expect([second.state, makings, third.state]).toEqual(['rejected', 3, 'pending']);
  });

  it('gives the place of a making away once, whether it fails late or never ends', async () => {
    const makings = [deferred<Connection>(), deferred<Connection>()];
    let begun = 0;
    const { clock, pool } = setUp({
      maxSize: 2,
      maxOverflow: 0,
      createTimeoutMs: 100,
      destroyTimeoutMs: 1_000,
      create: () => makings[begun++]?.promise ?? new Promise(() => undefined),
    });
    const waiting = [watched(pool.acquire()), watched(pool.acquire())];
    await clock.advance(100);
    expect(waiting.map(({ state }) => state)).toEqual(['rejected', 'rejected']);
    expect(pool.statistics.size).toBe(2);
    makings[0]!.reject(new Error('too late, and failed'));
    await microtasks();
    expect(pool.statistics.size).toBe(1);
    await clock.advance(1_000);
    expect(pool.statistics.size).toBe(0);
    makings[1]!.reject(new Error('much too late'));
    await microtasks();
    expect([pool.statistics.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('lends by the clock of the system where it is given none, and ends what needs no end', async () => {
    const pool = connectionPool({ create: () => ({ name: 'plain' }) });
    const lease = await pool.acquire();
    expect(lease.resource.name).toBe('plain');
    lease.discard();
    expect(await pool.close()).toBe(0);
    expect(pool.statistics).toMatchObject({ size: 0, destroyed: { broken: 1, closed: 0 } });
  });
});

describe('the resources of a connection pool', () => {
  it('are checked before each use: a dead one is never handed out, and replaced', async () => {
    const { pool, made } = setUp({ validate: ({ alive }) => alive });
    const lease = await pool.acquire();
    lease.release();
    made[0]!.alive = false;
    const next = await pool.acquire();
    expect([next.resource.id, made[0]!.ended]).toEqual([1, true]);
    expect(pool.statistics.destroyed.unhealthy).toBe(1);
  });

  it('are checked when one borrower gives them to the next, too', async () => {
    const { pool, made } = setUp({ maxSize: 1, maxOverflow: 0, validate: ({ alive }) => alive });
    const lease = await pool.acquire();
    const next = watched(pool.acquire());
    made[0]!.alive = false;
    lease.release();
    await microtasks();
    expect(next.value!.resource.id).toBe(1);
  });

  it('are taken for well for a while, where that is allowed, but not after a function that failed', async () => {
    let checks = 0;
    const { clock, pool } = setUp({ validateAfterMs: 1_000, validate: () => (checks++, true) });
    await pool.use(() => 1);
    await pool.use(() => 1);
    expect(checks).toBe(0);
    await clock.advance(1_000);
    await pool.use(() => 1);
    expect(checks).toBe(1);
    await rejection(pool.use(() => Promise.reject(new Error('reset'))));
    await pool.use(() => 1);
    expect(checks).toBe(2);
  });

  it('are all checked when one is found dead, so that nobody waits for one check after the other', async () => {
    const { clock, pool, after } = setUp({
      maxSize: 5,
      validateTimeoutMs: 100,
      validate: () => after(10_000).then(() => true),
    });
    const leases = await Promise.all(Array.from({ length: 5 }, () => pool.acquire()));
    for (const lease of leases) lease.release();
    const waiting = watched(pool.acquire({ timeoutMs: 1_000 }));
    await clock.advance(200);
    expect([waiting.state, waiting.value!.resource.id]).toEqual(['fulfilled', 5]);
    expect(pool.statistics.destroyed.unhealthy).toBe(5);
  });

  it('count as dead when their check throws or takes too long', async () => {
    const unhealthy: unknown[] = [];
    const checks = [Promise.reject(new Error('reset')), new Promise<boolean>(() => undefined)];
    const { clock, pool } = setUp({ validateTimeoutMs: 100, validate: () => checks.shift() ?? true });
    pool.on('resource-unhealthy', ({ error }) => unhealthy.push((error as Error).message));
    for (let times = 0; times < 2; times++) (await pool.acquire()).release();
    const third = watched(pool.acquire());
    await clock.advance(100);
    expect(third.value!.resource.id).toBe(2);
    expect(unhealthy).toEqual(['reset', 'validate did not end within 100 ms (connection-pool)']);
  });

  it('are ended when their borrower says that they are broken', async () => {
    const { pool, made } = setUp({ isBroken: (error) => (error as Error).message === 'reset' });
    const lease = await pool.acquire();
    lease.discard();
    expect(made[0]!.ended).toBe(true);
    await rejection(pool.use(() => Promise.reject(new Error('reset'))));
    await rejection(pool.use(() => Promise.reject(new Error('no such row'))));
    expect(made.map(({ ended }) => ended)).toEqual([true, true, false]);
    expect(pool.statistics.destroyed.broken).toBe(2);
  });

  it('are ended when nobody can say whether they are broken, and the failure of that is told', async () => {
    const failed: unknown[] = [];
    const { pool, made } = setUp({
      isBroken: () => {
        throw new Error('bug');
      },
    });
    pool.on('hook-failed', ({ hook }) => failed.push(hook));
    await rejection(pool.use(() => Promise.reject(new Error('no'))));
    expect([made[0]!.ended, failed]).toEqual([true, ['isBroken']]);
  });

  it('that die by themselves are replaced when idle, and not lent again when on loan', async () => {
    const { pool, made, contexts } = setUp({ minSize: 2 });
    await microtasks();
    const destroyed: unknown[] = [];
    pool.on('resource-destroyed', ({ reason, error }) => destroyed.push([reason, error]));
    contexts[0]!.lost('terminated');
    await microtasks();
    expect([made[0]!.ended, pool.statistics.idle, made.length]).toEqual([true, 2, 3]);
    const lease = await pool.acquire();
    contexts[lease.resource.id]!.lost();
    expect(lease.resource.ended).toBe(false);
    lease.release();
    expect(lease.resource.ended).toBe(true);
    expect(destroyed).toEqual([
      ['lost', 'terminated'],
      ['lost', undefined],
    ]);
  });

  it('that say several times that they have died are replaced once', async () => {
    const { pool, contexts, made } = setUp({ minSize: 1 });
    await microtasks();
    for (const error of [new Error('reset'), new Error('closed'), undefined]) contexts[0]!.lost(error);
    await microtasks();
    expect([made.length, pool.statistics.size, pool.statistics.destroyed.lost]).toEqual([2, 1, 1]);
    const lease = await pool.acquire();
    contexts[1]!.lost(new Error('while on loan'));
    lease.discard();
    await microtasks();
    expect(pool.statistics).toMatchObject({ size: 1, idle: 1, destroyed: { lost: 1, broken: 1 } });
  });

  it('that died before they were handed over are not', async () => {
    let makings = 0;
    const { pool, made } = setUp({
      create: async ({ lost }) => {
        const connection = { id: made.length, alive: true, ended: false };
        made.push(connection);
        if (makings++ === 0) lost(new Error('at once'));
        return connection;
      },
    });
    expect((await pool.acquire()).resource.id).toBe(1);
  });

  it('are made from the start and kept, as many as are wanted at least, and replaced when they end', async () => {
    const { clock, pool, made } = setUp({ minSize: 3, idleTimeoutMs: 1_000, recycleMs: 10_000 });
    await microtasks();
    expect(pool.statistics).toMatchObject({ idle: 3, size: 3 });
    const leases = await Promise.all(Array.from({ length: 5 }, () => pool.acquire()));
    for (const lease of leases) lease.release();
    await clock.advance(1_000);
    expect(pool.statistics).toMatchObject({ idle: 3, size: 3 });
    expect(pool.statistics.destroyed.idle).toBe(2);
    await clock.advance(9_000);
    expect([pool.statistics.idle, made.length, pool.statistics.destroyed.recycled]).toEqual([3, 8, 3]);
    await clock.advance(8_000);
    expect(pool.statistics).toMatchObject({ idle: 3 });
  });

  it('are replaced as soon as they begin to end, where there may be more', async () => {
    const ended = deferred<void>();
    const { pool, made } = setUp({ minSize: 2, maxSize: 2, maxOverflow: 1, destroy: () => ended.promise });
    await microtasks();
    const lease = await pool.acquire();
    lease.discard();
    await microtasks();
    expect(pool.statistics).toMatchObject({ ending: 1, idle: 2, size: 3 });
    ended.resolve();
    await microtasks();
    expect([pool.statistics.size, made.length]).toEqual([2, 3]);
  });

  it('are tried again after a while when the least of them can not be made', async () => {
    let up = false;
    const { clock, pool } = setUp({
      minSize: 2,
      createRetryMs: 500,
      create: async () => {
        if (!up) throw new Error('down');
        return { id: 0, alive: true, ended: false };
      },
    });
    await clock.advance(1_100);
    expect(pool.statistics).toMatchObject({ createFailed: 6, size: 0 });
    up = true;
    await clock.advance(500);
    expect(pool.statistics).toMatchObject({ size: 2, idle: 2 });
  });

  it('are replaced at an age with jitter, not all at once, whether they come back or wait', async () => {
    const { clock, pool } = setUp({ maxSize: 50, recycleMs: 1_000, recycleJitterRatio: 0.5 });
    const leases = await Promise.all(Array.from({ length: 50 }, () => pool.acquire()));
    for (const lease of leases.slice(25)) lease.release();
    await clock.advance(499);
    expect(pool.statistics.destroyed.recycled).toBe(0);
    await clock.advance(250);
    const early = pool.statistics.destroyed.recycled;
    expect(early).toBeGreaterThan(5);
    expect(early).toBeLessThan(20);
    await clock.advance(251);
    expect(pool.statistics.destroyed.recycled).toBe(25);
    for (const lease of leases.slice(0, 25)) lease.release();
    expect(pool.statistics.destroyed.recycled).toBe(50);
  });

  it('that are too old are not handed from one borrower to the next', async () => {
    const { clock, pool } = setUp({ maxSize: 1, maxOverflow: 0, recycleMs: 1_000 });
    const lease = await pool.acquire();
    await clock.advance(1_000);
    const next = watched(pool.acquire());
    lease.release();
    await microtasks();
    expect(next.value!.resource.id).toBe(1);
  });

  it('keep their place until their end is over, or has taken too long', async () => {
    const failures: unknown[] = [];
    const ends = [() => new Promise<void>(() => undefined), () => Promise.reject(new Error('gone'))];
    const { clock, pool, made } = setUp({
      maxSize: 1,
      maxOverflow: 0,
      destroyTimeoutMs: 100,
      destroy: () => ends.shift()!(),
    });
    pool.on('resource-destroy-failed', ({ error }) => failures.push((error as Error).message));
    (await pool.acquire()).discard();
    const next = watched(pool.acquire());
    await clock.advance(99);
    expect([next.state, made.length, pool.statistics.ending]).toEqual(['pending', 1, 1]);
    await clock.advance(1);
    expect([next.state, made.length]).toEqual(['fulfilled', 2]);
    next.value!.discard();
    await microtasks();
    expect(failures).toEqual(['destroy did not end within 100 ms (connection-pool)', 'gone']);
    expect(pool.statistics.size).toBe(0);
  });
});

describe('closing and watching a connection pool', () => {
  it('drains when nothing is on loan and nobody waits, and stays open', async () => {
    const { pool } = setUp({ maxSize: 1, maxOverflow: 0 });
    await pool.drain();
    const lease = await pool.acquire();
    const waiting = watched(pool.acquire());
    const drained = watched(pool.drain());
    lease.release();
    await microtasks();
    expect([waiting.state, drained.state]).toEqual(['fulfilled', 'pending']);
    waiting.value!.release();
    await microtasks();
    expect(drained.state).toBe('fulfilled');
    await pool.acquire();
  });

  it('closes: lends nothing more, ends what is idle, and the rest as it comes back', async () => {
    const { clock, pool, made } = setUp({ minSize: 1, maxSize: 2, maxOverflow: 0 });
    const [lent, idle] = await Promise.all([pool.acquire(), pool.acquire()]);
    idle.release();
    const closed = watched(pool.close({ timeoutMs: 1_000 }));
    await microtasks();
    expect([idle.resource.ended, lent.resource.ended, closed.state]).toEqual([true, false, 'pending']);
    expect(await rejection(pool.acquire())).toMatchObject({ code: 'POOL_CLOSED' });
    lent.release();
    await microtasks();
    expect([closed.value, made.every(({ ended }) => ended), clock.pendingTimers]).toEqual([0, true, 0]);
  });

  it('rejects who waits when it is closed, and ends what is on loan when the time is up, and says how much', async () => {
    const { clock, pool, made } = setUp({ maxSize: 1, maxOverflow: 0 });
    const lease = await pool.acquire();
    const waiting = watched(pool.acquire());
    const closed = watched(pool.close({ timeoutMs: 100 }));
    await clock.advance(100);
    expect(waiting.error).toMatchObject({ code: 'POOL_CLOSED' });
    expect([closed.value, made[0]!.ended]).toEqual([1, true]);
    lease.release();
    expect(pool.statistics.size).toBe(0);
  });

  it('aborts what is in the making when it is closed, and ends it when it comes all the same', async () => {
    const late = deferred<Connection>();
    let signal!: AbortSignal;
    const { pool } = setUp({ create: (context) => ((signal = context.signal), late.promise) });
    const waiting = watched(pool.acquire());
    const closed = watched(pool.close());
    const connection = { id: 0, alive: true, ended: false };
    expect(signal.aborted).toBe(true);
    late.resolve(connection);
    await microtasks();
    expect([(waiting.error as { code: string }).code, connection.ended, closed.value]).toEqual([
      'POOL_CLOSED',
      true,
      0,
    ]);
  });

  it('sums up waits, uses and ages', async () => {
    const { clock, pool, after } = setUp({ maxSize: 1, maxOverflow: 0 });
    expect(pool.statistics.ages.oldestMs).toBeNaN();
    const uses = [pool.use(() => after(100)), pool.use(() => after(300))];
    await clock.advance(400);
    await Promise.all(uses);
    const { waitMs, useMs } = pool.statistics;
    expect([waitMs.max, useMs.max, useMs.mean]).toEqual([100, 300, 200]);
    await clock.advance(19_600);
    const { ages } = pool.statistics;
    expect(ages.oldestMs).toBe(20_000);
    expect(ages.buckets.filter(({ count }) => count > 0)).toEqual([{ upToMs: 60_000, count: 1 }]);
    expect(ages.buckets.at(-1)!.upToMs).toBe(Infinity);
  });

  it('tells in events and in a log for the search of faults what happens, and survives a log that throws', async () => {
    const log: unknown[] = [];
    const events: string[] = [];
    const { pool } = setUp({
      name: 'shop-db',
      maxSize: 1,
      maxOverflow: 0,
      debug: (message, facts) => {
        log.push([message, facts['size'], facts['waiting']]);
        if (message.endsWith('destroyed')) throw new Error('full');
      },
    });
    pool.on('*', ({ type, policy }) => events.push(`${policy} ${type}`));
    const lease = await pool.acquire();
    lease.discard();
    await microtasks();
    expect(log).toEqual([
      ['shop-db: resource created', 1, 1],
      ['shop-db: resource acquired', 1, 0],
      ['shop-db: resource released', 1, 0],
      ['shop-db: resource destroyed', 1, 0],
    ]);
    expect(events).toEqual([
      'shop-db resource-created',
      'shop-db resource-acquired',
      'shop-db resource-released',
      'shop-db hook-failed',
      'shop-db resource-destroyed',
    ]);
  });

  it('tells how long each borrower waited, and how long each loan lasted', async () => {
    const { clock, pool, after } = setUp({ maxSize: 1, maxOverflow: 0 });
    const told: unknown[] = [];
    pool.on('resource-acquired', ({ waitedMs }) => told.push(['acquired', waitedMs]));
    pool.on('resource-released', ({ durationMs }) => told.push(['released', durationMs]));
    const uses = [pool.use(() => after(30)), pool.use(() => after(5))];
    await clock.advance(100);
    await Promise.all(uses);
    expect(told).toEqual([
      ['acquired', 0],
      ['released', 30],
      ['acquired', 30],
      ['released', 5],
    ]);
  });

  it('refuses options that can not be meant', async () => {
    expect(() => connectionPool({} as never)).toThrow(
      /connectionPool.create: expected a function that makes a resource/,
    );
    expect(() => setUp({ minSize: 3, maxSize: 2 })).toThrow(/connectionPool.minSize: expected at most maxSize/);
    const { pool } = setUp();
    expect(await rejection(pool.acquire({ timeoutMs: 0 }))).toMatchObject({ code: 'CONFIGURATION' });
    expect(await rejection(pool.close({ timeoutMs: -1 }))).toMatchObject({ code: 'CONFIGURATION' });
  });
});
