import { type Clock, type Random, systemClock, systemRandom } from 'breakwater/clock';
import { ConfigurationError, type ConfigurationFault } from 'breakwater/errors';
import type { Fetch } from 'breakwater/http';
import {
  callable,
  either,
  flag,
  implementing,
  integer,
  positiveMilliseconds,
  resolveOptions,
  type Rule,
  type Rules,
} from 'breakwater/options';
import { DEFAULT_TTL_SECONDS, type RedisKeyOptions } from '../contract/redis-keys.ts';
import type { Logger } from './logger.ts';
import { type NearCacheOptions, resolveNearCacheOptions, type ResolvedNearCacheOptions } from './near-cache-options.ts';
import type { CallPipeline } from './policies.ts';
import { type ClientTarget, type ResolvedTarget, resolveTarget, targetFields } from './target.ts';

/** Pipelines in place of the client's own. They stay the caller's, to be closed by the caller. */
export interface PolicyOverrides {
  /** For everything that reads. */
  readonly reads?: CallPipeline | undefined;
  /** For everything that writes. */
  readonly writes?: CallPipeline | undefined;
}

/** Options of a {@link DeviceCacheClient}. */
export interface ClientOptions {
  /** How long Redis may take to be connected, and to answer one command of an attempt, in milliseconds; default 5,000. */
  readonly socketTimeoutMs?: number | undefined;
  /** How long one attempt over HTTP may take, its body included, in milliseconds; default 10,000. */
  readonly httpTimeoutMs?: number | undefined;
  /** How long a call may take with all its attempts and waits, in milliseconds; default 30,000. */
  readonly totalTimeoutMs?: number | undefined;
  /** How many attempts a call may make; at least 1, which means no retry; default 3. */
  readonly maxAttempts?: number | undefined;
  /** Whether a read that takes unusually long gets a second attempt beside it; default true. */
  readonly hedge?: boolean | undefined;
  /** Pipelines in place of the ones that the options above make. */
  readonly policies?: PolicyOverrides | undefined;
  /**
   * Keeps devices in memory, invalidated by the stream of changes: true, or with options. Default false, since it keeps a
   * connection open until the client is closed.
   */
  readonly nearCache?: boolean | NearCacheOptions | undefined;
  /** Is told what goes wrong; pino, winston and console are such. Default: nobody. */
  readonly logger?: Logger | undefined;
  /** What sends requests over HTTP, such as one with a connection pool of its own; default: the platform's fetch. */
  readonly fetch?: Fetch | undefined;
  /** Headers that every request over HTTP carries. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The layout of the keys in Redis; the service's must be the same. */
  readonly keys?: RedisKeyOptions | undefined;
  /** For how long a device is kept that is put into Redis directly, in seconds; default 86,400. */
  readonly ttlSeconds?: number | undefined;
  /** How often changes are looked for in Redis, in milliseconds; default 250. */
  readonly pollMs?: number | undefined;
  /** Where the time comes from; default: the system. */
  readonly clock?: Clock | undefined;
  /** Where random numbers come from; default: the system. */
  readonly random?: Random | undefined;
}

/** What a client does when nothing else is said. */
export const clientDefaults: {
  readonly socketTimeoutMs: number;
  readonly httpTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly maxAttempts: number;
  readonly hedge: boolean;
  readonly nearCache: boolean;
  readonly ttlSeconds: number;
  readonly pollMs: number;
} = Object.freeze({
  socketTimeoutMs: 5_000,
  httpTimeoutMs: 10_000,
  totalTimeoutMs: 30_000,
  maxAttempts: 3,
  hedge: true,
  nearCache: false,
  ttlSeconds: DEFAULT_TTL_SECONDS,
  pollMs: 250,
});

/** A target and options, complete and checked. */
export interface ClientSettings {
  readonly target: ResolvedTarget;
  readonly socketTimeoutMs: number;
  readonly httpTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly maxAttempts: number;
  readonly hedge: boolean;
  readonly policies: PolicyOverrides;
  readonly nearCache: ResolvedNearCacheOptions | undefined;
  readonly logger: Logger | undefined;
  readonly fetch: Fetch;
  readonly headers: Readonly<Record<string, string>>;
  readonly keys: RedisKeyOptions;
  readonly ttlSeconds: number;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** An object whose fields are of these kinds. */
function shaped<T>(expected: string, fields: Readonly<Record<string, (value: unknown) => boolean>>): Rule<T> {
  const accepts = (value: unknown): value is T =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(([name, field]) => field === undefined || fields[name]?.(field) === true);
  return { expected, accepts };
}

const isPipeline = (value: unknown): boolean =>
  typeof (value as { readonly execute?: unknown } | null)?.execute === 'function';
const isText = (value: unknown): boolean => typeof value === 'string';

const headersRule: Rule<Readonly<Record<string, string>>> = {
  expected: 'an object of texts',
  accepts: (value): value is Readonly<Record<string, string>> =>
    typeof value === 'object' && value !== null && Object.values(value).every(isText),
};

const rules: Rules<ClientOptions> = {
  socketTimeoutMs: positiveMilliseconds(),
  httpTimeoutMs: positiveMilliseconds(),
  totalTimeoutMs: positiveMilliseconds(),
  maxAttempts: integer(1),
  hedge: flag(),
  policies: shaped('an object with the pipelines `reads` and `writes`', { reads: isPipeline, writes: isPipeline }),
  nearCache: either(flag(), {
    expected: 'options of the near cache',
    accepts: (value): value is NearCacheOptions => typeof value === 'object' && value !== null,
  }),
  logger: implementing<Logger>('a logger', 'debug', 'info', 'warn', 'error'),
  fetch: callable(),
  headers: headersRule,
  keys: shaped('an object with `prefix` and `hashTags`', {
    prefix: isText,
    hashTags: (value) => typeof value === 'boolean',
  }),
  ttlSeconds: integer(1),
  pollMs: positiveMilliseconds(),
  clock: implementing<Clock>('a clock', 'now', 'wallTime', 'setTimer'),
  random: implementing<Random>('a source of random numbers', 'next'),
};

const PATH = 'deviceCacheClient';

/** @throws ConfigurationError with the faults of target and options at once. */
export function resolveSettings(target: ClientTarget | undefined, given: ClientOptions | undefined): ClientSettings {
  const faults: ConfigurationFault[] = [];
  const fields = (target ?? {}) as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).filter((name) => !targetFields.includes(name));
  for (const name of unknown) {
    faults.push({
      path: `${PATH}.${name}`,
      expected: `one of ${targetFields.join(', ')}`,
      received: 'an unknown field',
    });
  }
  const resolved = resolveTarget(fields, PATH, faults);
  const options = collecting(faults, () => resolveOptions(PATH, given, clientDefaults, rules));
  const nearCache = collecting(faults, () => resolveNearCacheOptions(`${PATH}.nearCache`, given?.nearCache));
  if (resolved === undefined || options === undefined || faults.length > 0) throw new ConfigurationError(faults);
  const { policies = {}, headers = {}, keys = {}, clock = systemClock, random = systemRandom } = options;
  const { fetch = (input, init) => globalThis.fetch(input, init), logger } = options;
  return { ...options, target: resolved, policies, headers, keys, clock, random, fetch, logger, nearCache };
}

/** What is resolved, or undefined with its faults among the others. */
function collecting<T>(faults: ConfigurationFault[], resolve: () => T): T | undefined {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}
