/** Where the devices are: the ways to say it, and what each comes to. */
import type { ConfigurationFault } from 'breakwater/errors';
import type { Token } from '../http/http-requests.ts';
import { type RedisAddress, redisAddressOf } from '../redis/redis-address.ts';
import { suppliedConnection, type RedisConnection } from '../redis/redis-connection.ts';

/** The service, over HTTP. */
export interface HttpTarget {
  /** `https://devices.example`, with the path before `/v1` where it has one. */
  readonly url: string;
  /** The bearer token, or a function that gives it: asked before each request. */
  readonly token?: Token | undefined;
}

/** Redis directly, by a client of ioredis, iovalkey or node-redis, a pool of these, or one function `send`. It stays the caller's. */
export interface SuppliedRedisTarget {
  readonly redis: object;
}

/** Redis directly, by its address; needs ioredis, iovalkey or redis to be installed beside this package. */
export type RedisTarget = RedisAddress;

/** Either, by the scheme: `http`, `https`, `redis` or `rediss`. */
export interface ConnectionStringTarget {
  readonly connectionString: string;
  /** As in {@link HttpTarget}; for HTTP only. */
  readonly token?: Token | undefined;
}

/** Where the devices are. */
export type ClientTarget = HttpTarget | SuppliedRedisTarget | RedisTarget | ConnectionStringTarget;

/** A target, understood. */
export type ResolvedTarget =
  | { readonly kind: 'http'; readonly url: string; readonly token: Token | undefined }
  | { readonly kind: 'address'; readonly address: RedisAddress }
  | { readonly kind: 'supplied'; readonly connection: RedisConnection };

/** The fields by which a target says where; exactly one of them may be there. */
export const targetPlaces: readonly ['url', 'redis', 'host', 'connectionString'] = Object.freeze([
  'url',
  'redis',
  'host',
  'connectionString',
]);

const COMPANIONS: Readonly<Record<(typeof targetPlaces)[number], readonly string[]>> = Object.freeze({
  url: ['token'],
  redis: [],
  host: ['port', 'username', 'password', 'db', 'tls'],
  connectionString: ['token'],
});

/** The names of all fields that a target may have. */
export const targetFields: readonly string[] = Object.freeze([
  ...targetPlaces,
  ...new Set(Object.values(COMPANIONS).flat()),
]);

/** What a target comes to; where it can't be meant, undefined, with every reason among the faults. */
export function resolveTarget(
  given: Readonly<Record<string, unknown>>,
  path: string,
  faults: ConfigurationFault[],
): ResolvedTarget | undefined {
  const before = faults.length;
  const places = targetPlaces.filter((name) => given[name] !== undefined);
  const [place] = places;
  if (place === undefined || places.length > 1) {
    const received = places.length === 0 ? 'none' : places.join(' and ');
    faults.push({ path, expected: `one of ${targetPlaces.join(', ')}`, received });
    return undefined;
  }
  for (const name of targetFields) {
    if (given[name] === undefined || name === place || COMPANIONS[place].includes(name)) continue;
    faults.push({ path: `${path}.${name}`, expected: `nothing beside ${place}`, received: 'a value' });
  }
  const target = resolvers[place](given, path, faults);
  return faults.length === before ? target : undefined;
}

type Resolver = (
  given: Readonly<Record<string, unknown>>,
  path: string,
  faults: ConfigurationFault[],
) => ResolvedTarget | undefined;

const resolvers: Readonly<Record<(typeof targetPlaces)[number], Resolver>> = Object.freeze({
  url: (given, path, faults) => httpTarget(given['url'], given['token'], `${path}.url`, path, faults),
  connectionString: ({ connectionString: text, token }, path, faults) => {
    if (typeof text === 'string' && /^https?:/i.test(text)) {
      return httpTarget(text, token, `${path}.connectionString`, path, faults);
    }
    if (token !== undefined) {
      faults.push({ path: `${path}.token`, expected: 'nothing: a token is for HTTP', received: 'a value' });
    }
    const address = typeof text === 'string' ? redisAddressOf(text) : undefined;
    if (address !== undefined) return { kind: 'address', address };
    // The text itself may hold a password, and is not shown.
    const expected = 'a URL that begins with http://, https://, redis:// or rediss://';
    faults.push({ path: `${path}.connectionString`, expected, received: 'something else' });
    return undefined;
  },
  redis: ({ redis }, path, faults) => {
    const connection = suppliedConnection(redis);
    if (connection !== undefined) return { kind: 'supplied', connection };
    const expected =
      'a client of ioredis, iovalkey or node-redis, a pool of these, or an object with a function `send`';
    faults.push({ path: `${path}.redis`, expected, received: typeof redis === 'object' ? 'an object' : typeof redis });
    return undefined;
  },
  host: (given, path, faults) => {
    for (const [name, rule] of Object.entries(addressRules)) {
      const value = given[name];
      if (value === undefined || rule.accepts(value)) continue;
      // Not shown: it may be a password, or stand in the wrong place.
      faults.push({ path: `${path}.${name}`, expected: rule.expected, received: `a ${typeof value}` });
    }
    return { kind: 'address', address: given as unknown as RedisAddress };
  },
});

interface FieldRule {
  readonly expected: string;
  accepts(value: unknown): boolean;
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isWithin = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

const addressRules: Readonly<Record<keyof RedisAddress, FieldRule>> = Object.freeze({
  host: { expected: 'a host name or an address', accepts: isText },
  port: { expected: 'an integer from 1 to 65535', accepts: isWithin(1, 65_535) },
  username: { expected: 'a string that is not empty', accepts: isText },
  password: { expected: 'a string that is not empty', accepts: isText },
  db: { expected: 'an integer of at least 0', accepts: isWithin(0, Number.MAX_SAFE_INTEGER) },
  tls: { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
});

function httpTarget(
  text: unknown,
  token: unknown,
  urlPath: string,
  path: string,
  faults: ConfigurationFault[],
): ResolvedTarget | undefined {
  if (token !== undefined && !isText(token) && typeof token !== 'function') {
    faults.push({
      path: `${path}.token`,
      expected: 'a string that is not empty, or a function',
      received: typeof token,
    });
  }
  if (typeof text !== 'string' || !/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    faults.push({ path: urlPath, expected: 'a URL that begins with http:// or https://', received: 'something else' });
    return undefined;
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    faults.push({ path: urlPath, expected: 'a URL without credentials: they go into `token`', received: 'some' });
  }
  if (url.search !== '' || url.hash !== '') {
    faults.push({ path: urlPath, expected: 'a URL without query and fragment', received: 'one with' });
  }
  return { kind: 'http', url: `${url.origin}${url.pathname.replace(/\/+$/, '')}`, token: token as Token | undefined };
}
