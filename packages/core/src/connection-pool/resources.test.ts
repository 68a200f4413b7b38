import { describe, expect, it } from 'vitest';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { setUp } from './test-support/pool-under-test.ts';

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
