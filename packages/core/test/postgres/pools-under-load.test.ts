/** Pools on a real PostgreSQL that is restarted, whose connections are killed, and whose network goes silent. */
import { Client, Pool, type PoolClient } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { connectionPool, type InstrumentedPgPool, instrumentPgPool } from 'breakwater/connection-pool';
import { ACQUIRE_TIMEOUT_MS, APPLICATION, connectionCount, Load, type LoadResult, type PoolUnderLoad } from './load.ts';
import { PostgresServer, postgresMissing } from './postgres-server.ts';
import { SilentProxy } from './silent-proxy.ts';

if (postgresMissing !== undefined) console.log(`not run: pools on PostgreSQL: ${postgresMissing}`);

const long = (process.env['BREAKWATER_LONG'] ?? '') !== '';
const ROUNDS = long ? 10 : 1;
/** A timeout is late by 1/64 of it, at most 50 ms; the rest is what a machine under load takes to get to it. */
const ACQUIRE_SLACK_MS = 250;
const INSERT = 'INSERT INTO written (id) VALUES ($1)';

describe.skipIf(postgresMissing !== undefined)('a pool of 20 connections for 200 clients', () => {
  let server: PostgresServer;
  let proxy: SilentProxy;
  let longestWaitMs: number;

  beforeAll(async () => {
    server = await PostgresServer.start();
    proxy = await SilentProxy.start(server.port);
  }, 60_000);
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });
  beforeEach(async () => {
    longestWaitMs = 0;
    const admin = await server.connect('admin');
    // Without a key: a row that is written twice is to be seen.
    await admin.query('DROP TABLE IF EXISTS written');
    await admin.query('CREATE TABLE written (id int)');
    await admin.end();
  });

  /** Limits of the client's own: pg waits for a silent network for ever. */
  const settings = () => ({
    host: '127.0.0.1',
    port: proxy.port,
    user: 'postgres',
    database: 'postgres',
    application_name: APPLICATION,
    query_timeout: 400,
    connectionTimeoutMillis: 400,
  });
  const limits = { acquireTimeoutMs: ACQUIRE_TIMEOUT_MS, validateTimeoutMs: 250 };

  async function timed<T>(acquire: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await acquire();
    } finally {
      longestWaitMs = Math.max(longestWaitMs, performance.now() - startedAt);
    }
  }

  function expectNothingLost(result: LoadResult, mostConnections: number): void {
    const { lost, wrong, twice, recoveryMs } = result;
    console.log(
      `${result.written} written, ${result.failed} failed, at most ${result.mostConnections} connections; ` +
        `longest wait ${Math.round(longestWaitMs)} ms; recovered after ` +
        Object.entries(recoveryMs)
          .map(([fault, ms]) => `${fault} ${Math.round(ms)} ms`)
          .join(', '),
    );
    expect({ lost, wrong, twice }).toEqual({ lost: 0, wrong: 0, twice: 0 });
    expect(result.written).toBeGreaterThan(1_000);
    expect(result.mostConnections).toBeGreaterThan(0);
    expect(result.mostConnections).toBeLessThanOrEqual(mostConnections);
    expect(longestWaitMs).toBeLessThan(ACQUIRE_TIMEOUT_MS + ACQUIRE_SLACK_MS);
    for (const ms of Object.values(recoveryMs)) expect(ms).toBeLessThan(1_000);
  }

  /** Ends a connection in order, or at once where nobody answers. */
  async function end(client: Client): Promise<void> {
    const stream = (client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }).connection
      .stream;
    await Promise.race([client.end(), new Promise((resolve) => setTimeout(resolve, 100))]);
    stream.destroy();
  }

  it('connectionPool loses no query and runs none twice, has none wait too long, recovers within a second, and never has more connections than it may', async () => {
    const pool = connectionPool<Client>({
      ...limits,
      maxSize: 20,
      maxOverflow: 40,
      create: async ({ lost }) => {
        const client = new Client(settings());
        client.on('error', lost);
        client.on('end', () => lost());
        try {
          await client.connect();
        } catch (error) {
          await end(client);
          throw error;
        }
        return client;
      },
      validate: async (client) => (await client.query('SELECT 1')).rowCount === 1,
      destroy: end,
      isBroken: (error) => (error as { readonly severity?: string }).severity !== 'ERROR',
    });
    const underLoad: PoolUnderLoad = {
      insert: async (id) => {
        const lease = await timed(() => pool.acquire());
        try {
          const answer = await lease.resource.query(INSERT, [id]);
          lease.release();
          return answer;
        } catch (error) {
          lease.discard();
          throw error;
        }
      },
      close: () => pool.close(),
    };
    expectNothingLost(await new Load(underLoad, server, proxy).run(ROUNDS), 60);
    expect(pool.statistics).toMatchObject({ size: 0, inUse: 0, waiting: 0 });
    expect(pool.statistics.peakSize).toBeLessThanOrEqual(60);
  }, 600_000);

  it('instrumentPgPool does the same for a pool of pg', async () => {
    const own = new Pool({ ...settings(), max: 20 });
    const pool = instrumentPgPool(own, limits);
    expectTypeOf(pool).toEqualTypeOf<InstrumentedPgPool<PoolClient>>();
    const underLoad: PoolUnderLoad = {
      insert: async (id) => {
        const client = await timed(() => pool.connect());
        try {
          const answer = await client.query(INSERT, [id]);
          client.release();
          return answer;
        } catch (error) {
          client.release(true);
          throw error;
        }
      },
      close: () => own.end(),
    };
    expectNothingLost(await new Load(underLoad, server, proxy).run(ROUNDS), 20);
    expect(pool.statistics.created).toBeGreaterThan(20);
  }, 600_000);

  it('instrumentPgPool checks connections before use, replaces old ones, and runs a query once', async () => {
    const own = new Pool({ ...settings(), max: 2 });
    const pool = instrumentPgPool(own, { ...limits, recycleMs: 300, recycleJitterRatio: 0 });
    const answer = await pool.query<{ one: number }>('SELECT 1 AS one');
    expect(answer.rows).toEqual([{ one: 1 }]);
    const admin = await server.connect('admin');
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      APPLICATION,
    ]);
    expect((await pool.query('SELECT 2')).rowCount).toBe(1);
    await expect(pool.query('SELECT nonsense')).rejects.toMatchObject({ code: '42703' });
    expect(await connectionCount(admin)).toBe(1);
    const client = await pool.connect();
    // A client on loan that is killed says so in an event, which nobody else listens to.
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      APPLICATION,
    ]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.release();
    await new Promise((resolve) => setTimeout(resolve, 350));
    await pool.query('SELECT 3');
    await new Promise((resolve) => setTimeout(resolve, 350));
    await pool.query('SELECT 4');
    expect(pool.statistics.destroyed).toMatchObject({ recycled: 1, broken: 0 });
    expect(pool.statistics.destroyed.lost).toBeGreaterThanOrEqual(1);
    expect(pool.statistics.acquired).toBe(6);
    pool.detach();
    await own.end();
    await admin.end();
  });
});
