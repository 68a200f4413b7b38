import { pipeline } from 'breakwater/pipeline';
import { timeout } from 'breakwater/timeout';
import type { StreamQuery } from '../contract/query.ts';
import { redisKeys } from '../contract/redis-keys.ts';
import { HttpTransport } from '../http/http-transport.ts';
import { addressedConnection } from '../redis/installed-client.ts';
import type { RedisConnection } from '../redis/redis-connection.ts';
import { RedisTransport } from '../redis/redis-transport.ts';
import type { DeviceTransport, StreamEvent } from '../transport/transport.ts';
import { tell } from './logger.ts';
import { NearCache } from './near-cache.ts';
import type { ClientSettings } from './options.ts';
import { type CallPipeline, type CallPolicies, ownPolicies } from './policies.ts';
import { watchChanges } from './watch.ts';

/** What a client calls with: made from its settings, and made anew when these change. */
export interface Assembly {
  readonly settings: ClientSettings;
  readonly transport: DeviceTransport;
  readonly policies: CallPolicies;
  /** For what is asked once and must not be retried, nor count for a breaker. */
  readonly checks: CallPipeline;
  readonly nearCache: NearCache | undefined;
  /** The changes over one connection, which ends with the assembly. */
  changes(query: StreamQuery, signal: AbortSignal): AsyncIterable<StreamEvent>;
  /** Ends the streams, waits for the calls that run, then lets go of the connection. */
  dismantle(): Promise<void>;
}

/** The parts for these settings. Nothing is connected yet. */
export function assembled(settings: ClientSettings): Assembly {
  const { target, socketTimeoutMs, httpTimeoutMs, policies: given, clock, random } = settings;
  const timeoutMs = target.kind === 'http' ? httpTimeoutMs : socketTimeoutMs;
  const own = ownPolicies({ ...settings, attemptTimeoutMs: timeoutMs });
  const transport = transportOf(settings);
  const retired = new AbortController();
  const changes = (query: StreamQuery, signal: AbortSignal): AsyncIterable<StreamEvent> =>
    transport.changes(query, AbortSignal.any([signal, retired.signal]));
  const nearCache = nearCacheOf(settings, changes);
  return {
    settings,
    transport,
    policies: { ...own, reads: given.reads ?? own.reads, writes: given.writes ?? own.writes },
    checks: pipeline({ name: 'device-cache.checks', clock, random }, timeout({ timeoutMs })),
    nearCache,
    changes,
    dismantle: async () => {
      retired.abort();
      await own.close();
      await nearCache?.close();
      await transport.close();
    },
  };
}

function nearCacheOf(settings: ClientSettings, changes: Assembly['changes']): NearCache | undefined {
  const { nearCache, logger, clock, random, totalTimeoutMs } = settings;
  if (nearCache === undefined) return undefined;
  const watching = { changes, logger: () => logger, clock, random };
  return new NearCache(nearCache, {
    watch: (signal) => watchChanges(watching, {}, signal),
    onLost: (error) => tell(logger, 'error', () => `device cache: no changes reach the near cache: ${String(error)}`),
    // The policies end a load; this is only for pipelines that don't.
    maxLoadMs: 2 * totalTimeoutMs,
    clock,
    random,
  });
}

function transportOf(settings: ClientSettings): DeviceTransport {
  const { target, clock, random, keys, ttlSeconds, pollMs } = settings;
  if (target.kind === 'http') return new HttpTransport({ ...settings, url: target.url, token: target.token });
  return new RedisTransport({
    connection: target.kind === 'supplied' ? target.connection : connectionOf(settings, target),
    keys: redisKeys(keys),
    isSharded: keys.hashTags === true,
    ttlMs: ttlSeconds * 1000,
    pollMs,
    clock,
    random,
  });
}

function connectionOf(
  { socketTimeoutMs, logger }: ClientSettings,
  { address }: Extract<ClientSettings['target'], { readonly kind: 'address' }>,
): RedisConnection {
  return addressedConnection(address, socketTimeoutMs, (error) =>
    tell(logger, 'warn', () => `device cache: the connection to Redis failed: ${String(error)}`),
  );
}
