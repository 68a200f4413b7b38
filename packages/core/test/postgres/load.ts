/** Two hundred clients that write rows through a pool while the database fails, and what they have seen. */
import type { Client } from 'pg';
import type { PostgresServer } from './postgres-server.ts';
import type { SilentProxy } from './silent-proxy.ts';

const CLIENTS = 200;
export const APPLICATION = 'breakwater-load';
export const ACQUIRE_TIMEOUT_MS = 2_000;
const PAUSE_MS = 25;

/** A pool under load: runs one statement on one connection, once. */
export interface PoolUnderLoad {
  insert(id: number): Promise<unknown>;
  close(): Promise<unknown>;
}

/** What the clients have seen. */
export interface LoadResult {
  readonly written: number;
  readonly failed: number;
  /** Inserts whose promise had not settled at the end. */
  readonly lost: number;
  /** Rows of inserts that were answered well, and are not there once. */
  readonly wrong: number;
  /** Rows that are there more than once. */
  readonly twice: number;
  readonly mostConnections: number;
  /** For each fault, how long after its end every client had written a row again. */
  readonly recoveryMs: Readonly<Record<string, number>>;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function connectionCount(admin: Client): Promise<number> {
  const { rows } = await admin.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1',
    [APPLICATION],
  );
  return rows[0]!.n;
}

export class Load {
  private readonly pool: PoolUnderLoad;
  private readonly server: PostgresServer;
  private readonly proxy: SilentProxy;
  private readonly answered: Set<number> = new Set();
  private readonly open: Set<number> = new Set();
  private readonly lastWrittenAt: number[] = new Array<number>(CLIENTS).fill(0);
  private failed = 0;
  private nextId = 0;
  private mostConnections = 0;
  private stopped = false;
  private readonly recoveryMs: Record<string, number> = {};

  constructor(pool: PoolUnderLoad, server: PostgresServer, proxy: SilentProxy) {
    this.pool = pool;
    this.server = server;
    this.proxy = proxy;
  }

  async run(rounds: number): Promise<LoadResult> {
    const clients = Array.from({ length: CLIENTS }, (_, client) => this.client(client));
    const sampling = this.sample();
    for (let round = 0; round < rounds; round++) {
      await this.fault('restart', () => this.server.restart());
      await this.fault('terminated connections', () => this.terminate());
      await this.fault('silent network', () => this.silence());
    }
    this.stopped = true;
    await Promise.race([Promise.all(clients), sleep(10_000)]);
    await sampling;
    await this.pool.close();
    return this.result();
  }

  private async client(client: number): Promise<void> {
    while (!this.stopped) {
      const id = this.nextId++;
      this.open.add(id);
      try {
        await this.pool.insert(id);
        this.answered.add(id);
        this.lastWrittenAt[client] = performance.now();
      } catch {
        this.failed++;
        await sleep(PAUSE_MS);
      }
      this.open.delete(id);
    }
  }

  /** Lets the load run well, brings a fault about, and measures how long after it everybody is served again. */
  private async fault(name: string, bringAbout: () => Promise<void>): Promise<void> {
    await sleep(500);
    await bringAbout();
    const endedAt = performance.now();
    while (this.lastWrittenAt.some((at) => at < endedAt)) {
      if (performance.now() - endedAt > 10_000) break;
      await sleep(5);
    }
    this.recoveryMs[name] = Math.max(this.recoveryMs[name] ?? 0, performance.now() - endedAt);
  }

  private async terminate(): Promise<void> {
    const admin = await this.server.connect('admin');
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      APPLICATION,
    ]);
    await admin.end();
  }

  private async silence(): Promise<void> {
    this.proxy.fallSilent();
    await sleep(3_000);
    const admin = await this.server.connect('admin');
    await this.proxy.recover(async (heldOut) => {
      do await sleep(20);
      while ((await connectionCount(admin)) > heldOut());
    });
    await admin.end();
  }

  /** Counts the connections all the while, as the server sees them. */
  private async sample(): Promise<void> {
    while (!this.stopped) {
      try {
        const admin = await this.server.connect('sampler');
        while (!this.stopped) {
          this.mostConnections = Math.max(this.mostConnections, await connectionCount(admin));
          await sleep(5);
        }
        await admin.end();
      } catch {
        // The server is being restarted.
        await sleep(20);
      }
    }
  }

  private async result(): Promise<LoadResult> {
    const admin = await this.server.connect('admin');
    const { rows } = await admin.query<{ id: number; n: number }>(
      'SELECT id, count(*)::int AS n FROM written GROUP BY id',
    );
    await admin.end();
    const counts = new Map(rows.map(({ id, n }) => [id, n]));
    return {
      written: this.answered.size,
      failed: this.failed,
      lost: this.open.size,
      wrong: [...this.answered].filter((id) => counts.get(id) !== 1).length,
      twice: rows.filter(({ n }) => n > 1).length,
      mostConnections: this.mostConnections,
      recoveryMs: this.recoveryMs,
    };
  }
}
