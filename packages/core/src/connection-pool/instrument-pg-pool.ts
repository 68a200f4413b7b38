/**
 * Gives a pool of `pg` what it lacks: a check before use, replacement by age with jitter, a limit on the whole wait,
 * statistics and events. The pool stays the user's: it makes, keeps and ends the connections, within its own maximum.
 */
import type { Clock } from '../clock/clock.ts';
import { systemRandom } from '../clock/random.ts';
import { systemClock } from '../clock/system-clock.ts';
import { timeoutQueueOf } from '../clock/timeout-queue.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import type { EventSource } from '../events/event.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { text, type Rules } from '../options/rules.ts';
import { PoolTimeoutError, ResourceTimeoutError } from './errors.ts';
import { type ConnectionPoolOptions, connectionPoolDefaults, connectionPoolRules } from './options.ts';
import { breaksConnection, type PgConnection, PgConnections, watchLoan } from './pg-lending.ts';
import { listenTo, type PgClient, type PgClientOf, type PgPool } from './pg-port.ts';
import type { AcquireOptions, ConnectionPoolEvents, DestroyReason, PoolStatistics } from './pool-contract.ts';
import { agesOf, PoolRecords } from './pool-records.ts';
import { withinTime } from './timed.ts';
import { Waiter } from './waiting-line.ts';

/** What a pool of `pg` is given. Each option means what it does for a connection pool. */
export interface PgPoolOptions extends Pick<
  ConnectionPoolOptions<never>,
  | 'name'
  | 'clock'
  | 'random'
  | 'acquireTimeoutMs'
  | 'validateTimeoutMs'
  | 'validateAfterMs'
  | 'recycleMs'
  | 'recycleJitterRatio'
> {
  /** The statement that checks a connection; default `SELECT 1`. */
  readonly checkSql?: string | undefined;
}

/** A pool of `pg` with statistics, checks and recycling; see {@link instrumentPgPool}. */
export interface InstrumentedPgPool<Client extends PgClient> extends EventSource<ConnectionPoolEvents> {
  readonly name: string;
  readonly statistics: PoolStatistics;
  /** As the pool's own `connect`, with a client that has been checked; `client.release()` gives it back. */
  connect(options?: AcquireOptions): Promise<Client>;
  /** As the pool's own `query`, in the forms that give a promise. It is run once: whether to run it again is for the caller to say. */
  readonly query: Client['query'];
  /** Lets go of the pool, which goes on as it was. */
  detach(): void;
}

const defaults = Object.freeze({
  name: 'pg-pool',
  acquireTimeoutMs: connectionPoolDefaults.acquireTimeoutMs,
  validateTimeoutMs: connectionPoolDefaults.validateTimeoutMs,
  validateAfterMs: connectionPoolDefaults.validateAfterMs,
  recycleMs: connectionPoolDefaults.recycleMs,
  recycleJitterRatio: connectionPoolDefaults.recycleJitterRatio,
  checkSql: 'SELECT 1',
});

const { name, clock, random, acquireTimeoutMs, validateTimeoutMs, validateAfterMs, recycleMs, recycleJitterRatio } =
  connectionPoolRules;
const rules: Rules<PgPoolOptions> = {
  ...{ name, clock, random, acquireTimeoutMs, validateTimeoutMs, validateAfterMs, recycleMs, recycleJitterRatio },
  checkSql: text(),
};

/**
 * Adds checks before use, recycling, statistics and events to a pool of `pg`. Take clients from what this gives, not from
 * the pool.
 *
 * @throws ConfigurationError
 */
export function instrumentPgPool<Pool extends PgPool>(
  pool: Pool,
  options: PgPoolOptions = {},
): InstrumentedPgPool<PgClientOf<Pool> extends PgClient ? PgClientOf<Pool> : PgClient> {
  return new WatchedPgPool(pool, options) as never;
}

class WatchedPgPool implements InstrumentedPgPool<PgClient> {
  readonly name: string;
  private readonly pool: PgPool;
  private readonly settings: Resolved<PgPoolOptions, typeof defaults>;
  private readonly clock: Clock;
  private readonly channel: OwnerChannel<ConnectionPoolEvents>;
  private readonly records: PoolRecords = new PoolRecords();
  private readonly connections: PgConnections;
  private readonly stops: readonly (() => void)[];
  private checking = 0;
  private lastFailure: unknown = undefined;

  constructor(pool: PgPool, given: PgPoolOptions) {
    this.settings = resolveOptions('instrumentPgPool', given, defaults, rules);
    const { name: own, clock: ownClock, random: ownRandom } = this.settings;
    this.pool = pool;
    this.name = own;
    this.clock = ownClock ?? systemClock;
    this.channel = new OwnerChannel(own, () => this.clock);
    this.connections = new PgConnections(
      this.clock,
      ownRandom ?? systemRandom,
      this.settings.recycleMs,
      this.settings.recycleJitterRatio,
    );
    this.stops = [listenTo(pool, 'error', this.onIdleError), listenTo(pool, 'remove', this.onRemove)];
  }

  get statistics(): PoolStatistics {
    const { totalCount, idleCount, waitingCount } = this.pool;
    const { checking } = this;
    const inUse = totalCount - idleCount - checking;
    return this.records.summary(
      { size: totalCount, idle: idleCount, inUse, creating: 0, checking, ending: 0, waiting: waitingCount },
      agesOf(this.connections, this.clock.now()),
    );
  }

  on(type: '*' | keyof ConnectionPoolEvents, listener: (event: never) => void): () => void {
    return this.channel.on(type as never, listener);
  }

  connect(options: AcquireOptions = {}): Promise<PgClient> {
    const { signal } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const timeoutMs = options.timeoutMs ?? this.settings.acquireTimeoutMs;
    const waiter = new Waiter<PgClient>(this.clock.now(), timeoutMs, signal);
    let open = true;
    const refuse = (error: unknown): void => {
      open = false;
      waiter.stopWatching();
      const waitedMs = this.clock.now() - waiter.since;
      waiter.within(() => this.channel.tell('acquire-failed', { error, waitedMs, outcome: 'failure' }));
      waiter.reject(error);
    };
    waiter.watch(timeoutQueueOf(this.clock).lane(timeoutMs), () => refuse(this.tooLate(timeoutMs)), refuse);
    this.obtain(() => open).then(
      (client) => {
        if (client === undefined) return;
        waiter.stopWatching();
        const waitedMs = this.clock.now() - waiter.since;
        this.records.lent(waitedMs);
        if (this.channel.wants('resource-acquired'))
          waiter.within(() => this.channel.tell('resource-acquired', { waitedMs }));
        waiter.resolve(client);
      },
      (error: unknown) => (open ? refuse(error) : undefined),
    );
    return waiter.promise;
  }

  readonly query = (async (...parameters: never): Promise<unknown> => {
    const client = await this.connect();
    let answer: unknown;
    try {
      answer = await client.query(...parameters);
    } catch (error) {
      const connection = this.connections.of(client);
      if (connection !== undefined) connection.wellAt = -Infinity;
      client.release(breaksConnection(error));
      throw error;
    }
    client.release();
    return answer;
  }) as (...parameters: never) => unknown;

  detach(): void {
    for (const stop of this.stops) stop();
  }

  /** pg drops an idle client that has failed; without a listener the process would end. */
  private readonly onIdleError = (error: Error): void => {
    this.lastFailure = error;
    this.records.destroyed.lost++;
    this.channel.tell('resource-destroyed', { reason: 'lost', ageMs: Number.NaN, error });
  };

  /** The pool also ends clients by itself: idle ones, old ones. */
  private readonly onRemove = (client: PgClient): void => this.connections.forget(client);

  /** A client that is well, as long as somebody waits for it. */
  private async obtain(wanted: () => boolean): Promise<PgClient | undefined> {
    for (;;) {
      const client = await this.pool.connect();
      this.records.peakSize = Math.max(this.records.peakSize, this.pool.totalCount);
      const connection = this.connections.of(client) ?? this.met(client);
      const aged = this.clock.now() >= connection.recycleAt;
      if (!aged && (await this.isWell(client, connection))) {
        if (wanted()) return this.lend(client, connection);
        client.release();
        return undefined;
      }
      this.end(client, connection, aged ? 'recycled' : 'unhealthy', aged ? undefined : this.lastFailure);
      client.release(true);
      if (!wanted()) return undefined;
    }
  }

  private met(client: PgClient): PgConnection {
    this.records.created++;
    this.channel.tell('resource-created', { durationMs: Number.NaN });
    return this.connections.add(client);
  }

  private async isWell(client: PgClient, connection: PgConnection): Promise<boolean> {
    const { validateAfterMs: afterMs, validateTimeoutMs: limitMs, checkSql } = this.settings;
    if (this.clock.now() - connection.wellAt < afterMs) return true;
    const ignore = (): void => undefined;
    this.checking++;
    // It may die of the check, and tells so in an event besides.
    const stopIgnoring = listenTo(client, 'error', ignore);
    try {
      await withinTime(
        timeoutQueueOf(this.clock).lane(limitMs),
        () => client.query(...([checkSql] as never)),
        () => new ResourceTimeoutError(this.name, 'validate', limitMs),
      );
      connection.wellAt = this.clock.now();
      return true;
    } catch (error) {
      this.lastFailure = error;
      this.channel.tell('resource-unhealthy', { error, outcome: 'failure' });
      return false;
    } finally {
      this.checking--;
      stopIgnoring();
    }
  }

  private lend(client: PgClient, connection: PgConnection): PgClient {
    const since = this.clock.now();
    watchLoan(client, (reason) => {
      const now = this.clock.now();
      const durationMs = now - since;
      this.records.returned(durationMs);
      if (this.channel.wants('resource-released')) this.channel.tell('resource-released', { durationMs });
      if (connection.wellAt !== -Infinity && this.settings.validateAfterMs > 0) connection.wellAt = now;
      const why = reason ?? (now >= connection.recycleAt ? 'recycled' : undefined);
      if (why !== undefined) this.end(client, connection, why, undefined);
      return why !== undefined;
    });
    return client;
  }

  private end(client: PgClient, connection: PgConnection, reason: DestroyReason, error: unknown): void {
    this.records.destroyed[reason]++;
    this.channel.tell('resource-destroyed', { reason, ageMs: this.clock.now() - connection.createdAt, error });
    this.connections.forget(client);
  }

  private tooLate(timeoutMs: number): PoolTimeoutError {
    const { totalCount, idleCount, waitingCount } = this.pool;
    this.records.timedOut++;
    const occupancy = { inUse: totalCount - idleCount, creating: 0, waiting: waitingCount, most: totalCount };
    return new PoolTimeoutError(this.name, timeoutMs, occupancy, this.lastFailure);
  }
}
