import { describe, expect, it } from 'vitest';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { connectionPool } from './index.ts';
import { type Connection, setUp } from './test-support/pool-under-test.ts';

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
