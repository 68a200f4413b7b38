import { describe, expect, it } from 'vitest';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { connectionPool } from './index.ts';
import { type Connection, setUp } from './test-support/pool-under-test.ts';

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
