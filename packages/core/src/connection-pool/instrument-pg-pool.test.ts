import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { instrumentPgPool, type PgClient, type PgPool, type PgPoolOptions } from './index.ts';

type Listener = (value: never) => void;

/** A client as pg has it: one `release` per loan, errors as events. */
class FakeClient implements PgClient {
  readonly id: number;
  readonly queries: string[] = [];
  readonly listeners: Set<Listener> = new Set();
  answer: (sql: string) => unknown = () => ({ rows: [] });
  release: (destroy?: boolean | Error) => void = () => undefined;

  constructor(id: number) {
    this.id = id;
  }

  async query(sql: string): Promise<unknown> {
    this.queries.push(sql);
    return this.answer(sql);
  }

  on(_event: 'error', listener: Listener): void {
    this.listeners.add(listener);
  }

  removeListener(_event: 'error', listener: Listener): void {
    this.listeners.delete(listener);
  }

  fail(error: Error): void {
    for (const listener of this.listeners) listener(error as never);
  }
}

/** A pool as pg has it, of one place. */
class FakePool implements PgPool {
  readonly made: FakeClient[] = [];
  readonly destroyed: [number, boolean | Error][] = [];
  readonly listeners: Map<string, Set<Listener>> = new Map();
  idle: FakeClient | undefined = undefined;
  waitingCount = 0;
  nextConnect: (() => Promise<FakeClient>) | undefined = undefined;

  get totalCount(): number {
    return this.made.length - this.destroyed.length;
  }

  get idleCount(): number {
    return this.idle === undefined ? 0 : 1;
  }

  async connect(): Promise<FakeClient> {
    if (this.nextConnect !== undefined) return this.nextConnect();
    let client = this.idle;
    this.idle = undefined;
    if (client === undefined) {
      client = new FakeClient(this.made.length);
      this.made.push(client);
    }
    const lent = client;
    lent.release = (destroy) => {
      if (destroy === undefined || destroy === false) this.idle = lent;
      else {
        this.destroyed.push([lent.id, destroy]);
        this.emit('remove', lent);
      }
    };
    return lent;
  }

  on(event: string, listener: Listener): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
  }

  removeListener(event: string, listener: Listener): void {
    this.listeners.get(event)?.delete(listener);
  }

  emit(event: string, value: unknown): void {
    for (const listener of this.listeners.get(event) ?? []) listener(value as never);
  }
}

function setUp(options: PgPoolOptions = {}) {
  const clock = new VirtualClock();
  const own = new FakePool();
  const pool = instrumentPgPool(own, { clock, recycleJitterRatio: 0, ...options });
  return { clock, own, pool };
}

describe('an instrumented pool of pg', () => {
  it('tells how long each borrower waited, and how long each loan lasted', async () => {
    const { clock, own, pool } = setUp();
    const told: unknown[] = [];
    pool.on('resource-acquired', ({ waitedMs }) => told.push(['acquired', waitedMs]));
    pool.on('resource-released', ({ durationMs }) => told.push(['released', durationMs]));
    own.nextConnect = async () => {
      own.nextConnect = undefined;
      await new Promise<void>((resolve) => void clock.setTimer(40, resolve));
      return own.connect();
    };
    const waiting = watched(pool.connect());
    await clock.advance(40);
    await clock.advance(7);
    waiting.value!.release();
    expect(told).toEqual([
      ['acquired', 40],
      ['released', 7],
    ]);
  });

  it('checks a client before each use, and gives the caller a well one in place of a dead one', async () => {
    const { own, pool } = setUp({ checkSql: 'SELECT now()' });
    const unhealthy: unknown[] = [];
    pool.on('resource-unhealthy', ({ error }) => unhealthy.push((error as Error).message));
    const first = await pool.connect();
    first.release();
    own.made[0]!.answer = () => {
      throw new Error('terminated');
    };
    const second = await pool.connect();
    expect([second.id, second.queries, unhealthy]).toEqual([1, ['SELECT now()'], ['terminated']]);
    expect(own.destroyed).toEqual([[0, true]]);
    expect(pool.statistics.destroyed.unhealthy).toBe(1);
    expect(own.made[0]!.listeners.size).toBe(0);
  });

  it('takes a client for well for a while, where that is allowed', async () => {
    const { clock, own, pool } = setUp({ validateAfterMs: 1_000 });
    (await pool.connect()).release();
    (await pool.connect()).release();
    expect(own.made[0]!.queries).toEqual([]);
    await clock.advance(1_000);
    (await pool.connect()).release();
    expect(own.made[0]!.queries).toEqual(['SELECT 1']);
  });

  it('replaces clients by age, when they are taken and when they come back', async () => {
    const { clock, own, pool } = setUp({ recycleMs: 1_000 });
    const client = await pool.connect();
    await clock.advance(1_000);
    client.release();
    client.release();
    expect(own.destroyed).toEqual([[0, true]]);
    (await pool.connect()).release();
    await clock.advance(1_000);
    expect((await pool.connect()).id).toBe(2);
    expect(pool.statistics.destroyed.recycled).toBe(2);
  });

  it('runs a query once, and gives back a client that is of no more use as such', async () => {
    const { own, pool } = setUp({ validateAfterMs: 60_000 });
    expect(await pool.query('INSERT')).toEqual({ rows: [] });
    const [client] = own.made;
    const failures = [
      Object.assign(new Error('no such column'), { severity: 'ERROR', code: '42703' }),
      Object.assign(new Error('shutting down'), { severity: 'FATAL', code: '57P01' }),
    ];
    client!.answer = (sql) => {
      if (sql === 'SELECT 1') return {};
      throw failures.shift()!;
    };
    expect(await rejection(pool.query('A'))).toMatchObject({ code: '42703' });
    expect(own.destroyed).toEqual([]);
    expect(await rejection(pool.query('B'))).toMatchObject({ code: '57P01' });
    // After a query that failed there is doubt: it is checked, however short ago it was well.
    expect(client!.queries).toEqual(['INSERT', 'A', 'SELECT 1', 'B']);
    expect(own.destroyed).toEqual([[0, true]]);
  });

  it.each([
    [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
    [new Error('Query read timeout')],
    [new Error('Connection terminated unexpectedly')],
  ])('ends a client whose query failed with %s', async (error) => {
    const { own, pool } = setUp({ validateAfterMs: 60_000 });
    (await pool.connect()).release();
    own.made[0]!.answer = () => {
      throw error;
    };
    expect(await rejection(pool.query('A'))).toBe(error);
    expect(own.destroyed).toEqual([[0, true]]);
  });

  it('hears the errors of clients on loan and of idle ones, so that they do not end the process', async () => {
    const { own, pool } = setUp();
    const destroyed: unknown[] = [];
    pool.on('resource-destroyed', ({ reason }) => destroyed.push(reason));
    const client = await pool.connect();
    const death = new Error('terminated');
    client.fail(death);
    client.release();
    own.emit('error', new Error('idle one'));
    expect(own.destroyed).toEqual([[0, death]]);
    expect([destroyed, client.listeners.size]).toEqual([['lost', 'lost'], 0]);
    const broken = await pool.connect();
    broken.release(new Error('said so'));
    expect(pool.statistics.destroyed).toMatchObject({ lost: 2, broken: 1 });
  });

  it('limits the whole wait, checks included, and gives back a client that comes too late', async () => {
    const { clock, own, pool } = setUp({ acquireTimeoutMs: 100, validateTimeoutMs: 1_000, name: 'shop-db' });
    (await pool.connect()).release();
    own.made[0]!.answer = () => new Promise((resolve) => void clock.setTimer(500, () => resolve({})));
    const late = watched(pool.connect());
    await clock.advance(50);
    expect(pool.statistics).toMatchObject({ checking: 1, size: 1 });
    await clock.advance(50);
    expect(late.error).toMatchObject({ code: 'POOL_TIMEOUT', policy: 'shop-db' });
    await clock.advance(500);
    expect([own.idle?.id, pool.statistics.timedOut, pool.statistics.checking]).toEqual([0, 1, 0]);
    // And one that turns out not to be well then is ended.
    own.made[0]!.answer = () =>
      new Promise((_resolve, reject) => void clock.setTimer(500, () => reject(new Error('dead'))));
    const again = watched(pool.connect({ timeoutMs: 20 }));
    await clock.advance(600);
    expect([again.state, own.destroyed]).toEqual(['rejected', [[0, true]]]);
  });

  it('counts a check that takes too long as failed', async () => {
    const { clock, own, pool } = setUp({ validateTimeoutMs: 100 });
    (await pool.connect()).release();
    own.made[0]!.answer = () => new Promise(() => undefined);
    const next = watched(pool.connect());
    await clock.advance(100);
    expect(next.value!.id).toBe(1);
  });

  it('passes on the error of the pool, and the reason of an abort', async () => {
    const { clock, own, pool } = setUp();
    const failed: unknown[] = [];
    pool.on('acquire-failed', ({ error }) => failed.push(error));
    const refused = new Error('ECONNREFUSED');
    own.nextConnect = () => Promise.reject(refused);
    expect(await rejection(pool.connect())).toBe(refused);
    own.nextConnect = () => new Promise(() => undefined);
    const { controller, signal, ...counted } = countedController();
    const leaving = watched(pool.connect({ signal }));
    controller.abort('left');
    await microtasks();
    expect([leaving.error, counted.listening, clock.pendingTimers]).toEqual(['left', 0, 0]);
    expect(await rejection(pool.connect({ signal }))).toBe('left');
    expect(failed).toEqual([refused, 'left']);
  });

  it('ignores the error of a connection that nobody waits for any more', async () => {
    const { clock, own, pool } = setUp();
    own.nextConnect = () =>
      new Promise((_resolve, reject) => void clock.setTimer(200, () => reject(new Error('late'))));
    const late = watched(pool.connect({ timeoutMs: 100 }));
    await clock.advance(300);
    expect([late.settled, (late.error as { code: string }).code]).toEqual([1, 'POOL_TIMEOUT']);
  });

  it('sums up, forgets the clients that the pool ends by itself, and lets go of the pool', async () => {
    const { clock, own, pool } = setUp();
    const client = await pool.connect();
    await clock.advance(5_000);
    expect(pool.statistics).toMatchObject({ inUse: 1, idle: 0, size: 1, created: 1, peakSize: 1 });
    expect(pool.statistics.ages.oldestMs).toBe(5_000);
    client.release();
    expect(pool.statistics.useMs.max).toBe(5_000);
    own.emit('remove', own.made[0]);
    expect(pool.statistics.ages.oldestMs).toBeNaN();
    pool.detach();
    expect([...own.listeners.values()].map(({ size }) => size)).toEqual([0, 0]);
  });

  it('refuses options that can not be meant', () => {
    expect(() => setUp({ checkSql: '' })).toThrow(/instrumentPgPool.checkSql/);
  });
});
