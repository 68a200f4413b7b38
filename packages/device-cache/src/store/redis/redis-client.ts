import { ioredisPort } from 'breakwater/cache';
import { Cluster, Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { PipeliningPort } from './connection.ts';
import type { RedisConfiguration } from '../../config/configuration.ts';

/** A connection to Redis or Valkey, and how it ends. */
export interface RedisClient {
  readonly port: PipeliningPort;
  close(): void;
}

/**
 * Connects. Commands fail at once while the server is away, and are never held back for later: who sent them knows best
 * whether they are still wanted.
 */
export function redisClient({ url, clusterNodes, timeoutMs }: RedisConfiguration, log: Logger): RedisClient {
  const options = {
    connectTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    // The application that reads again is ours.
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times: number) => Math.min(1_000, 50 * times),
  };
  const client = clusterNodes.length === 0 ? new Redis(url, options) : cluster(url, clusterNodes, options);
  client.on('error', (error: unknown) => log.debug({ err: error }, 'redis'));
  const port = ioredisPort(client);
  return {
    port: client instanceof Redis ? { ...port, sendForTexts: asTexts(client), sendMany: pipelined(client) } : port,
    close: () => client.disconnect(),
  };
}

/** How each connection behaves. */
interface ConnectionOptions {
  readonly connectTimeout: number;
  readonly maxRetriesPerRequest: number;
  readonly autoResendUnfulfilledCommands: boolean;
}

function cluster(url: string, nodes: readonly string[], redisOptions: ConnectionOptions): Cluster {
  const { username, password, protocol } = new URL(url);
  const secrets = {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
  return new Cluster(nodes.map(hostAndPort), {
    enableOfflineQueue: false,
    redisOptions: { ...redisOptions, ...secrets },
  });
}

function asTexts(client: Redis): NonNullable<PipeliningPort['sendForTexts']> {
  return ([name, ...parameters]) => client.call(name!, ...parameters);
}

/** Many commands in one write. A cluster's nodes are many: there each command goes its own way. */
function pipelined(client: Redis): NonNullable<PipeliningPort['sendMany']> {
  return async (commands) => {
    const pipeline = client.pipeline();
    for (const command of commands) pipeline.call(...(command as readonly [string, ...string[]]));
    const results = await pipeline.exec();
    return (results ?? []).map(([error, reply]) => error ?? reply);
  };
}

function hostAndPort(node: string): { host: string; port: number } {
  const at = node.lastIndexOf(':');
  return at < 0 ? { host: node, port: 6_379 } : { host: node.slice(0, at), port: Number(node.slice(at + 1)) };
}
