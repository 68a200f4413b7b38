/**
 * Connects with whichever Redis client the program has installed. The package depends on none: who gives an address, and no
 * client, needs one of them beside it.
 */
import type { RedisPort, RedisSend } from 'breakwater/cache';
import { ioredisPort, nodeRedisPort } from 'breakwater/cache';
import { classify, ConfigurationError } from 'breakwater/errors';
import { nodeModule } from '../platform/node-module.ts';
import { ClientClosed } from '../errors/errors.ts';
import type { RedisAddress } from './redis-address.ts';
import type { RedisConnection } from './redis-connection.ts';

/** What is told of a connection that fails by itself. */
export type TellFailure = (error: unknown) => void;

/** Loads a module by its name; undefined where it isn't installed. */
export type LoadModule = (name: string) => Promise<Readonly<Record<string, unknown>> | undefined>;

/** Makes the client and connects it; whoever closes meanwhile ends it by what `made` is told. */
interface Opening {
  readonly address: RedisAddress;
  readonly connectTimeoutMs: number;
  readonly tell: TellFailure;
  readonly made: (end: () => void) => void;
}

/** A connection that is made with the first command, and anew after one that could not be made. */
export function addressedConnection(
  address: RedisAddress,
  connectTimeoutMs: number,
  tell: TellFailure,
  load: LoadModule = installedModule,
): RedisConnection {
  let opening: Promise<RedisPort> | undefined;
  let end: () => void = () => undefined;
  let isClosed = false;
  /** Why Redis doesn't let this client in, when that was the last that it said. */
  let refused: unknown;
  const note = (error: unknown): void => {
    if (isRefusal(error)) refused = error;
    tell(error);
  };
  const made = (ending: () => void): void => {
    end = ending;
    if (isClosed) end();
  };
  const opened = (): Promise<RedisPort> => {
    if (isClosed) return Promise.reject(new ClientClosed());
    opening ??= open({ address, connectTimeoutMs, tell: note, made }, load).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  const send: RedisSend = async (command, route) => {
    try {
      const reply = await (await opened()).send(command, route);
      refused = undefined;
      return reply;
    } catch (error) {
      // A client only says that there is no connection, and not why.
      throw refused !== undefined && classify(error).code === 'REDIS_CONNECTION' ? refused : error;
    }
  };
  return {
    port: { send },
    close: () => {
      if (!isClosed) end();
      isClosed = true;
      return Promise.resolve();
    },
  };
}

const isRefusal = (error: unknown): boolean => classify(error).category === 'authentication';

async function open(opening: Opening, load: LoadModule): Promise<RedisPort> {
  for (const name of ['ioredis', 'iovalkey']) {
    const found = await load(name);
    if (found !== undefined) return openIoredis(found, opening);
  }
  const found = await load('redis');
  if (found !== undefined) return openNodeRedis(found, opening);
  throw new ConfigurationError([
    {
      path: 'deviceCacheClient.host',
      expected: 'ioredis, iovalkey or redis to be installed beside this package, or a client of your own as `redis`',
      received: 'none of them',
    },
  ]);
}

interface Ioredis {
  on(event: 'error', listener: TellFailure): unknown;
  disconnect(): unknown;
}

function openIoredis(
  found: Readonly<Record<string, unknown>>,
  { address, connectTimeoutMs, tell, made }: Opening,
): RedisPort {
  const { host, port = 6379, username, password, db = 0, tls = false } = address;
  const Redis = (found['Redis'] ?? found['default']) as new (options: object) => Ioredis;
  const client = new Redis({
    ...{ host, port, username, password, db, connectTimeout: connectTimeoutMs },
    ...(tls ? { tls: {} } : {}),
    // Our own policies say how often and for how long a call is tried; a command must not wait for them in here.
    maxRetriesPerRequest: 0,
  });
  client.on('error', tell);
  made(() => client.disconnect());
  return ioredisPort(client);
}

/** The longest wait before another connection, in milliseconds. */
const LONGEST_RECONNECT_MS = 2_000;

interface NodeRedis {
  on(event: 'error', listener: TellFailure): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
}

async function openNodeRedis(
  found: Readonly<Record<string, unknown>>,
  { address, connectTimeoutMs, tell, made }: Opening,
): Promise<RedisPort> {
  const { host, port = 6379, username, password, db = 0, tls = false } = address;
  const create = found['createClient'] as (options: object) => NodeRedis;
  let isConnected = false;
  // It tries for ever by itself; a first connection that is refused is refused again.
  const reconnectStrategy = (retries: number, cause: Error): number | Error =>
    !isConnected && isRefusal(cause) ? cause : Math.min(LONGEST_RECONNECT_MS, 50 * 2 ** Math.min(retries, 10));
  const socket = { host, port, connectTimeout: connectTimeoutMs, reconnectStrategy, ...(tls ? { tls: true } : {}) };
  // Without a connection a command fails at once, instead of waiting for one in a queue without end.
  const client = create({ socket, username, password, database: db, disableOfflineQueue: true });
  client.on('error', tell);
  made(() => client.destroy());
  await client.connect();
  isConnected = true;
  return nodeRedisPort(client);
}

/** From where this package lies, or from where the program was started: package managers differ in what they let be seen. */
async function installedModule(name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return (await import(name)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const nodeModules = nodeModule<{ createRequire(path: string): (name: string) => Readonly<Record<string, unknown>> }>(
    'node:module',
  );
  const { process } = globalThis as { readonly process?: { cwd(): string } };
  try {
    return nodeModules?.createRequire(`${process!.cwd()}/package.json`)(name);
  } catch (error) {
    if (!isMissing(error)) throw error;
    return undefined;
  }
}

const isMissing = (error: unknown): boolean =>
  ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(String((error as { readonly code?: unknown } | null)?.code));
