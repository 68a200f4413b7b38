/** A client on loan from a pool of `pg`, as far as it is needed here. */
export interface PgClient {
  query(...parameters: never): unknown;
  /** Gives it back; with true or an error it is ended. */
  release(destroy?: boolean | Error): void;
  on(event: never, listener: never): unknown;
  removeListener(event: never, listener: never): unknown;
}

/** A pool of `pg`, as far as it is needed here. */
export interface PgPool {
  connect(): Promise<PgClient>;
  on(event: never, listener: never): unknown;
  removeListener(event: never, listener: never): unknown;
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

type Listener = (value: never) => void;

/** Calls `listener` at each event; returns what ends that. The events of pg are typed so narrowly that no port fits them. */
export function listenTo(emitter: PgClient | PgPool, event: 'error' | 'remove', listener: Listener): () => void {
  emitter.on(event as never, listener as never);
  return () => void emitter.removeListener(event as never, listener as never);
}
