import { ioredisPort, nodeRedisPort, type RedisPort } from 'breakwater/cache';

/** A port, and what ends the connection behind it where that is the client's own. */
export interface RedisConnection {
  readonly port: RedisPort;
  close(): Promise<void>;
}

/** A pool that lends connections, such as that of `breakwater/connection-pool`. */
export interface RedisPool {
  use<T>(fn: (connection: object) => T): Promise<Awaited<T>>;
}

/**
 * A Redis that is there already: a client of ioredis, iovalkey or node-redis, a pool of these, or one function that sends a
 * command. Undefined when it is none of these. It stays the caller's, to be closed by the caller.
 */
export function suppliedConnection(redis: unknown): RedisConnection | undefined {
  const port = portOf(redis) ?? portOfPool(redis);
  return port === undefined ? undefined : { port, close: () => Promise.resolve() };
}

function portOf(redis: unknown): RedisPort | undefined {
  if (typeof redis !== 'object' || redis === null) return undefined;
  if (has(redis, 'send')) return redis as RedisPort;
  // Clients of ioredis have a `sendCommand` too, of another kind.
  if (has(redis, 'callBuffer')) return ioredisPort(redis);
  return has(redis, 'sendCommand') ? nodeRedisPort(redis) : undefined;
}

function portOfPool(redis: unknown): RedisPort | undefined {
  if (typeof redis !== 'object' || redis === null || !has(redis, 'use')) return undefined;
  const pool = redis as RedisPool;
  return {
    send: (command, route) =>
      pool.use((connection) => {
        const port = portOf(connection);
        if (port === undefined) throw new TypeError('what the pool lends is no Redis client');
        return port.send(command, route);
      }),
  };
}

const has = (object: object, method: string): boolean =>
  typeof (object as Readonly<Record<string, unknown>>)[method] === 'function';
