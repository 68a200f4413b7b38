import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { classify } from '../errors/classify.ts';
import { listenTo, type PgClient } from './pg-port.ts';
import type { DestroyReason } from './pool-contract.ts';

/** What is known of a connection of pg's pool between its loans. */
export interface PgConnection {
  readonly createdAt: number;
  readonly recycleAt: number;
  /** When it was last known to be well; -Infinity when there is doubt. */
  wellAt: number;
}

/** Keeps account of the connections of pg's pool, which it makes and forgets by itself. */
export class PgConnections {
  private readonly known: WeakMap<PgClient, PgConnection> = new WeakMap();
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly recycleMs: number;
  private readonly jitterRatio: number;
  private readonly alive: Set<PgConnection> = new Set();

  constructor(clock: Clock, random: Random, recycleMs: number, jitterRatio: number) {
    this.clock = clock;
    this.random = random;
    this.recycleMs = recycleMs;
    this.jitterRatio = jitterRatio;
  }

  /** What is known of a client; `undefined` at first sight. */
  of(client: PgClient): PgConnection | undefined {
    return this.known.get(client);
  }

  add(client: PgClient): PgConnection {
    const now = this.clock.now();
    const recycleAt = now + this.recycleMs * (1 - this.random.next() * this.jitterRatio);
    const connection: PgConnection = { createdAt: now, recycleAt, wellAt: now };
    this.known.set(client, connection);
    this.alive.add(connection);
    return connection;
  }

  forget(client: PgClient): void {
    const connection = this.known.get(client);
    if (connection !== undefined) this.alive.delete(connection);
    this.known.delete(client);
  }

  [Symbol.iterator](): IterableIterator<PgConnection> {
    return this.alive.values();
  }
}

/**
 * Sees to a client while it is on loan: to errors that come while no query runs, and to what becomes of it.
 *
 * @param returned Told once that the client comes back, and why it is of no more use, if so; says whether it is to be ended.
 */
export function watchLoan(client: PgClient, returned: (reason: DestroyReason | undefined) => boolean): void {
  const passOn = client.release.bind(client);
  let death: Error | undefined;
  let over = false;
  const onError = (error: Error): void => {
    death = error;
  };
  // pg's own listener is off while a client is on loan: an error that nobody hears would end the process.
  const stopListening = listenTo(client, 'error', onError);
  client.release = (destroy) => {
    if (over) return;
    over = true;
    stopListening();
    const broken = destroy === true || destroy instanceof Error;
    const ends = returned(death === undefined ? (broken ? 'broken' : undefined) : 'lost');
    passOn(ends ? (death ?? (broken ? destroy : true)) : undefined);
  };
}

/** Whether an error of a query means that its connection is of no more use. */
export function breaksConnection(error: unknown): boolean {
  const { severity } = Object(error) as { readonly severity?: unknown };
  if (typeof severity === 'string') return severity === 'FATAL' || severity === 'PANIC';
  const { category, code } = classify(error);
  // A query that timed out on our side still runs on its connection.
  return category === 'network' || code === 'PG_CONNECTION' || code === 'PG_TIMEOUT';
}
