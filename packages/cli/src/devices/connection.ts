import { type Command, Option } from 'commander';
import type { DisposableClient } from '@breakwater/device-client';
import { CommandError, configurationError, exitCodes, usageError } from '../command-line/command-error.ts';
import { duration } from '../command-line/quantities.ts';

/** Where the devices are, as the command line says it. */
export interface ConnectionFlags {
  readonly url?: string;
  readonly tokenEnv: string;
  readonly keyPrefix?: string;
  readonly timeout: number;
  readonly json: boolean;
}

/** Where the service listens unless it was told otherwise. */
const DEFAULT_URL = 'http://127.0.0.1:8080';

const TOKEN_VARIABLE = 'DEVICE_CACHE_TOKEN';

/** Adds the options that say where the devices are. */
export function connectionOptions(command: Command): Command {
  return command
    .optionsGroup('Where the devices are:')
    .addOption(
      new Option('--url <url>', `http://, https://, redis:// or rediss:// (default: ${DEFAULT_URL})`).env(
        'DEVICE_CACHE_URL',
      ),
    )
    .option('--token-env <variable>', 'environment variable that holds the token, which is never shown', TOKEN_VARIABLE)
    .addOption(new Option('--key-prefix <text>', 'what keys in Redis begin with').env('DEVICE_CACHE_KEY_PREFIX'))
    .option('--timeout <duration>', 'for a call with all its attempts', duration(1, 600_000), 30_000);
}

/** Runs a command with a client, closes it, and tells what the client fails with in one sentence. */
export async function withClient(
  flags: ConnectionFlags,
  use: (client: DisposableClient) => Promise<void>,
): Promise<void> {
  // Loaded by the command that needs it, and not by its help.
  const { DeviceCacheClient } = await import('@breakwater/device-client');
  const { url = DEFAULT_URL, tokenEnv, keyPrefix, timeout } = flags;
  const client = new DeviceCacheClient(
    { connectionString: url, token: isHttp(url) ? tokenOf(tokenEnv) : undefined },
    { totalTimeoutMs: timeout, ...(keyPrefix === undefined ? {} : { keys: { prefix: keyPrefix } }) },
  );
  try {
    await use(client);
  } catch (error) {
    throw commandErrorOf(error, url);
  } finally {
    await client.close();
  }
}

const isHttp = (url: string): boolean => /^https?:/i.test(url);

/** An address without what is secret in it. */
function placeOf(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

/** An empty variable is none; one that was named and isn't there is a mistake. */
function tokenOf(variable: string): string | undefined {
  const token = process.env[variable];
  if (token !== undefined && token !== '') return token;
  if (variable === TOKEN_VARIABLE) return undefined;
  throw configurationError(`the environment variable ${variable} (--token-env) is not set`);
}

/** What the client fails with, as a sentence and an exit code; what nobody knows stays as it is. */
function commandErrorOf(error: unknown, url: string): unknown {
  if (!(error instanceof Error) || error instanceof CommandError) return error;
  switch (error.name) {
    case 'InvalidRequest':
      return usageError(error.message);
    case 'DeviceNotFound':
      return new CommandError(error.message, exitCodes.notFound);
    case 'AccessDenied':
      return configurationError(`${error.message}; see --token-env`);
    case 'ServiceUnavailable':
    case 'RequestTimedOut':
      return new CommandError(`${error.message}; asked was ${placeOf(url)}`, exitCodes.upstreamUnavailable);
    case 'RateLimited':
      return new CommandError(error.message, exitCodes.upstreamUnavailable);
    case 'InvalidResponse':
      return configurationError(error.message);
    default:
      return error;
  }
}
