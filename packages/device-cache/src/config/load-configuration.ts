/** Puts the configuration together: arguments win over the environment, the environment over the file, the file over the defaults. */
import { ConfigurationError, type ConfigurationFault } from 'breakwater/errors';
import { nearest } from 'breakwater/options';
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import type { Configuration, KafkaConfiguration, RedisConfiguration } from './configuration.ts';
import { type Setting, settings } from './settings.ts';
import { tokensFromText, tokensOf, type Token } from './tokens.ts';

/** Where a configuration may come from. */
export interface ConfigurationSources {
  /** What stands behind the command, such as `--port 8081`. */
  readonly args?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What a file would say, for programs. Stands in for `--config`. */
  readonly file?: Readonly<Record<string, unknown>> | undefined;
}

/** A configuration, and its settings by their paths for who wants to show or compare them. */
export interface LoadedConfiguration {
  readonly configuration: Configuration;
  readonly values: ReadonlyMap<string, unknown>;
}

/** @throws ConfigurationError with all faults at once, from all sources. */
export function loadConfiguration({ args = [], env = {}, file }: ConfigurationSources): LoadedConfiguration {
  const faults: ConfigurationFault[] = [];
  const given = argumentsOf(args, faults);
  const path = given.get('--config') ?? env['DEVICE_CACHE_CONFIG'];
  const values = new Map(Object.entries(settings).map(([name, { fallback }]) => [name, fallback]));
  const take = (name: string, value: unknown, from: string): void => {
    const { rule } = settings[name]!;
    if (name === 'api.tokens') values.set(name, tokensOf(value, from, faults));
    else if (rule.accepts(value)) values.set(name, value);
    else faults.push({ path: from, expected: rule.expected, received: described(name, value) });
  };
  const contents = file ?? (path === undefined ? {} : readFile(path, 'the configuration', faults));
  for (const [name, value] of flattened(contents, faults)) take(name, value, name);
  for (const [name, setting] of Object.entries(settings)) {
    const text = setting.env === undefined ? undefined : env[setting.env];
    if (text !== undefined && text !== '') take(name, parsed(name, setting, text), setting.env!);
    const argument = setting.argument === undefined ? undefined : given.get(setting.argument);
    if (argument !== undefined) take(name, parsed(name, setting, argument), setting.argument!);
  }
  values.set('api.tokens', allTokens(values, faults));
  if (faults.length > 0) throw new ConfigurationError(faults);
  return { configuration: configurationOf(values), values };
}

function parsed(name: string, { parse = (text) => text }: Setting, text: string): unknown {
  return name === 'api.tokens' ? tokensFromText(text) : parse(text);
}

function argumentsOf(args: readonly string[], faults: ConfigurationFault[]): ReadonlyMap<string, string> {
  const names = new Set(['--config', ...Object.values(settings).flatMap(({ argument }) => argument ?? [])]);
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const [name, inline] = splitArgument(args[i]!);
    if (!names.has(name)) {
      const near = nearest(name, [...names]);
      const hint = near === undefined ? {} : { hint: `did you mean ${near}?` };
      faults.push({
        path: name,
        expected: `one of ${[...names].join(', ')}`,
        received: 'an unknown argument',
        ...hint,
      });
      continue;
    }
    const value = inline ?? args[++i];
    if (value === undefined) faults.push({ path: name, expected: 'a value', received: 'nothing' });
    else given.set(name, value);
  }
  return given;
}

function splitArgument(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** JSON is YAML. */
function readFile(path: string, what: string, faults: ConfigurationFault[]): unknown {
  try {
    return parseYaml(readFileSync(path, 'utf8')) ?? {};
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    faults.push({ path, expected: `${what} as YAML or JSON`, received: reason ?? 'something else' });
    return {};
  }
}

const groups: ReadonlySet<string> = new Set(Object.keys(settings).map((path) => path.split('.', 1)[0]!));

function flattened(contents: unknown, faults: ConfigurationFault[]): readonly (readonly [string, unknown])[] {
  if (!isRecord(contents)) {
    faults.push({ path: 'configuration', expected: 'an object', received: 'something else' });
    return [];
  }
  return Object.entries(contents).flatMap(([group, inner]) => {
    if (!isRecord(inner) || !groups.has(group)) return known(group, inner, faults);
    return Object.entries(inner).flatMap(([name, value]) => known(`${group}.${name}`, value, faults));
  });
}

function known(name: string, value: unknown, faults: ConfigurationFault[]): readonly (readonly [string, unknown])[] {
  if (value === undefined || value === null) return [];
  if (Object.hasOwn(settings, name)) return [[name, value]];
  const near = nearest(name, Object.keys(settings));
  const hint = near === undefined ? {} : { hint: `did you mean ${near}?` };
  faults.push({ path: name, expected: 'a setting', received: 'an unknown name', ...hint });
  return [];
}

function allTokens(values: ReadonlyMap<string, unknown>, faults: ConfigurationFault[]): readonly Token[] {
  const own = (values.get('api.tokens') ?? []) as readonly Token[];
  const path = values.get('api.tokensFile') as string | undefined;
  if (path === undefined) return own;
  const before = faults.length;
  const listed = readFile(path, 'a list of tokens', faults);
  const more = faults.length > before ? [] : tokensOf(listed, path, faults);
  for (const { name } of more.filter((token) => own.some((other) => other.name === token.name))) {
    faults.push({ path, expected: 'names of their own', received: `'${name}' again` });
  }
  return [...own, ...more];
}

function described(name: string, value: unknown): string {
  if (settings[name]?.isSecret === true) return 'something else';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function configurationOf(values: ReadonlyMap<string, unknown>): Configuration {
  const group = (prefix: string): Record<string, unknown> =>
    Object.fromEntries(
      [...values].flatMap(([name, value]) =>
        name.startsWith(`${prefix}.`) ? [[name.slice(prefix.length + 1), value]] : [],
      ),
    );
  const { tokensFile: _, ...api } = group('api');
  return {
    api,
    store: group('store'),
    redis: redisOf(group('redis')),
    kafka: kafkaOf(group('kafka')),
    messages: group('messages'),
    log: group('log'),
  } as unknown as Configuration;
}

interface RedisGroup {
  readonly url?: string;
  readonly host?: string;
  readonly port: number;
  readonly db: number;
  readonly password?: string;
}

function redisOf(group: Readonly<Record<string, unknown>>): RedisConfiguration | undefined {
  const { url, host, port, db, password, ...rest } = group as unknown as RedisGroup;
  const nodes = group['clusterNodes'] as readonly string[];
  if (url === undefined && host === undefined && nodes.length === 0) return undefined;
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  const own = `redis://${secret}${host ?? 'localhost'}:${port}/${db}`;
  return { ...rest, url: url ?? own } as unknown as RedisConfiguration;
}

function kafkaOf(group: Readonly<Record<string, unknown>>): KafkaConfiguration | undefined {
  return (group['bootstrapServers'] as readonly string[]).length === 0
    ? undefined
    : (group as unknown as KafkaConfiguration);
}
