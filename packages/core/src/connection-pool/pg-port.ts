/** A client on loan from a pool of `pg`, as far as it is needed here. */
export interface PgClient {
  query(...parameters: never): unknown;
  /** Gives it back; with true or an error it is ended. */
  release(destroy?: boolean | Error): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}

/** A pool of `pg`, as far as it is needed here. */
export interface PgPool {
  connect(): Promise<PgClient>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'remove', listener: (client: never) => void): unknown;
  removeListener(event: 'error' | 'remove', listener: (...parameters: never) => void): unknown;
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/** The clients of a pool; its `connect` has a form with a callback besides. */
export type PgClientOf<Pool extends PgPool> = Pool extends {
  readonly connect: { (): Promise<infer Client>; (callback: never): void };
}
  ? Client
  : Awaited<ReturnType<Pool['connect']>>;
