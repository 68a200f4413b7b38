/** Target and options from where they are not written in the program: environment variables, or a file. */
import { ConfigurationError, type ConfigurationFault } from 'breakwater/errors';
import { parseDuration } from 'breakwater/options';
import { nodeModule } from '../platform/node-module.ts';
import type { ClientOptions } from './options.ts';
import { type ClientTarget, targetFields } from './target.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a source says: fields of a target and options, unchecked beyond their kind. */
export interface SourceSettings {
  readonly target: ClientTarget;
  readonly options: ClientOptions;
}

type Kind = 'text' | 'number' | 'duration' | 'flag';

/** Each variable, the field that it sets, and what its text is. */
const VARIABLES: readonly (readonly [name: string, field: string, kind: Kind])[] = [
  ['DEVICE_CACHE_URL', 'connectionString', 'text'],
  ['DEVICE_CACHE_TOKEN', 'token', 'text'],
  ['DEVICE_CACHE_REDIS_HOST', 'host', 'text'],
  ['DEVICE_CACHE_REDIS_PORT', 'port', 'number'],
  ['DEVICE_CACHE_REDIS_USERNAME', 'username', 'text'],
  ['DEVICE_CACHE_REDIS_PASSWORD', 'password', 'text'],
  ['DEVICE_CACHE_REDIS_DB', 'db', 'number'],
  ['DEVICE_CACHE_REDIS_TLS', 'tls', 'flag'],
  ['DEVICE_CACHE_SOCKET_TIMEOUT', 'socketTimeoutMs', 'duration'],
  ['DEVICE_CACHE_HTTP_TIMEOUT', 'httpTimeoutMs', 'duration'],
  ['DEVICE_CACHE_TOTAL_TIMEOUT', 'totalTimeoutMs', 'duration'],
  ['DEVICE_CACHE_MAX_ATTEMPTS', 'maxAttempts', 'number'],
  ['DEVICE_CACHE_HEDGE', 'hedge', 'flag'],
  ['DEVICE_CACHE_NEAR_CACHE', 'nearCache', 'flag'],
  ['DEVICE_CACHE_KEY_PREFIX', 'keys.prefix', 'text'],
  ['DEVICE_CACHE_HASH_TAGS', 'keys.hashTags', 'flag'],
  ['DEVICE_CACHE_TTL_SECONDS', 'ttlSeconds', 'number'],
];

/** A file with the token, such as a mounted secret; instead of the variable with the token itself. */
const TOKEN_FILE = 'DEVICE_CACHE_TOKEN_FILE';

/**
 * What the environment says. An empty variable counts as none.
 *
 * @throws ConfigurationError with all variables at once that can't be read.
 */
export function settingsFromEnvironment(environment: Environment = processEnvironment()): SourceSettings {
  const faults: ConfigurationFault[] = [];
  const fields: Record<string, unknown> = {};
  for (const [name, field, kind] of VARIABLES) {
    const text = environment[name];
    if (text === undefined || text === '') continue;
    const value = valueOf(text, kind);
    if (value !== undefined) fields[field] = value;
    else faults.push({ path: name, expected: EXPECTED[kind], received: `'${text}'` });
  }
  const tokenFile = environment[TOKEN_FILE];
  if (tokenFile !== undefined && tokenFile !== '') {
    if ('token' in fields)
      faults.push({ path: TOKEN_FILE, expected: 'nothing beside DEVICE_CACHE_TOKEN', received: 'a value' });
    else fields['token'] = fileText(tokenFile, TOKEN_FILE, faults)?.trim();
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  return divided(withKeys(fields));
}

/**
 * What a JSON file says: the fields of a target and the options in one object. Durations may be texts such as `5s`.
 *
 * @throws ConfigurationError when it can't be read, is no JSON, or holds no object.
 */
export function settingsFromFile(path: string): SourceSettings {
  const faults: ConfigurationFault[] = [];
  const value = jsonOf(fileText(path, path, faults), path, faults);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (faults.length === 0) faults.push({ path, expected: 'an object', received: 'something else' });
    throw new ConfigurationError(faults);
  }
  const fields = Object.entries(value).map(([name, field]): [string, unknown] => {
    const durationMs = name.endsWith('Ms') && typeof field === 'string' ? durationOf(field) : undefined;
    return [name, durationMs ?? field];
  });
  return divided(Object.fromEntries(fields));
}

const EXPECTED: Readonly<Record<Kind, string>> = Object.freeze({
  text: 'a text',
  number: 'a number',
  duration: 'a duration such as 500ms or 5s',
  flag: 'true or false',
});

function valueOf(text: string, kind: Kind): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
    case 'duration':
      return durationOf(text);
    case 'flag':
      return text === 'true' ? true : text === 'false' ? false : undefined;
  }
}

/** Undefined where it is none. */
const durationOf = (text: string): number | undefined =>
  /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text) ? parseDuration(text) : undefined;

/** `keys.prefix` stands for the field of an object. */
function withKeys(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { 'keys.prefix': prefix, 'keys.hashTags': hashTags, ...rest } = fields;
  return prefix === undefined && hashTags === undefined ? rest : { ...rest, keys: { prefix, hashTags } };
}

/** The fields of a target apart from the options. */
export function divided(fields: Readonly<Record<string, unknown>>): SourceSettings {
  const entries = Object.entries(fields);
  return {
    target: Object.fromEntries(entries.filter(([name]) => targetFields.includes(name))) as unknown as ClientTarget,
    options: Object.fromEntries(entries.filter(([name]) => !targetFields.includes(name))),
  };
}

function jsonOf(text: string | undefined, path: string, faults: ConfigurationFault[]): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    faults.push({ path, expected: 'JSON', received: (error as Error).message });
    return undefined;
  }
}

function fileText(file: string, path: string, faults: ConfigurationFault[]): string | undefined {
  const files = nodeModule<{ readFileSync(path: string, encoding: 'utf8'): string }>('node:fs');
  try {
    if (files === undefined) throw new Error('this platform has no files');
    return files.readFileSync(file, 'utf8');
  } catch (error) {
    faults.push({ path, expected: 'a file that can be read', received: (error as Error).message });
    return undefined;
  }
}

function processEnvironment(): Environment {
  const { process } = globalThis as { readonly process?: { readonly env: Environment } };
  return process?.env ?? {};
}
