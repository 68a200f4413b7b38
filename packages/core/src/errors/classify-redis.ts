import type { ErrorShape, Kind } from './error-kind.ts';

/** Replies of a Redis server: the word in capitals with which its error begins. */
const REPLY_NAMES: ReadonlySet<unknown> = new Set(['ReplyError', 'ErrorReply', 'SimpleError', 'BlobError']);
/** What node-redis and ioredis throw when the connection is gone or was never there. */
const CONNECTION_NAMES: ReadonlySet<unknown> = new Set([
  'AbortedClientError',
  'ClientClosedError',
  'ClientOfflineError',
  'ClusterAllFailedError',
  'ConnectionTimeoutError',
  'DisconnectsClientError',
  'MaxRetriesPerRequestError',
  'ReconnectStrategyError',
  'RootNodesUnavailableError',
  'SocketClosedUnexpectedlyError',
  'SocketTimeoutError',
]);
const CREDENTIALS = /^(?:NOAUTH|WRONGPASS|NOPERM)$/;
const PASSING = /^(?:LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|OOM|NOREPLICAS|MOVED|ASK)$/;

/** Errors of Redis clients: `REDIS_` and the word that the server's error begins with, or `REDIS_CONNECTION`. Category `cache`. */
export function classifyRedis(error: ErrorShape): Kind | undefined {
  const { message } = error;
  const name = nameOf(error);
  if (CONNECTION_NAMES.has(name)) return { category: 'cache', code: 'REDIS_CONNECTION' };
  if (!REPLY_NAMES.has(name) || typeof message !== 'string') return undefined;
  const word = /^[A-Z]{2,20}\b/.exec(message)?.[0] ?? 'ERR';
  if (CREDENTIALS.test(word)) return { category: 'authentication', code: `REDIS_${word}` };
  return { category: 'cache', code: `REDIS_${word}`, retryable: PASSING.test(word) };
}

/** ioredis names its errors, node-redis only their classes. */
function nameOf({ name, constructor }: ErrorShape): unknown {
  return name === 'Error' && typeof constructor === 'function' ? constructor.name : name;
}
