/** The service as a program: configuration, signals, exit codes. */
import { isBreakwaterError } from 'breakwater/errors';
import type { Logger } from 'pino';
import { loadConfiguration, type LoadedConfiguration } from '../config/load-configuration.ts';
import { settings } from '../config/settings.ts';
import { changedSettings, shownConfiguration } from '../config/show-configuration.ts';
import { DeviceCache } from './device-cache.ts';
import { serviceLogger } from './logger.ts';
import type { ServeHost } from './serve-host.ts';

/** Exit codes of the program. */
const serveExitCodes: Readonly<Record<'stopped' | 'failed' | 'configuration', number>> = Object.freeze({
  stopped: 0,
  failed: 1,
  configuration: 2,
});

/** Runs until a signal ends it; resolves to the exit code. */
export async function serve(args: readonly string[], host: ServeHost): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    host.out(helpText());
    return serveExitCodes.stopped;
  }
  const isShowing = args.includes('--show-config');
  const rest = args.filter((argument) => argument !== '--show-config');
  try {
    const loaded = loadConfiguration({ args: rest, env: host.env });
    if (isShowing) {
      host.out(`${JSON.stringify(shownConfiguration(loaded.values), undefined, 2)}\n`);
      return serveExitCodes.stopped;
    }
    return await run(loaded, rest, host);
  } catch (error) {
    host.error(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    const isConfiguration = isBreakwaterError(error) && error.category === 'configuration';
    return isConfiguration ? serveExitCodes.configuration : serveExitCodes.failed;
  }
}

async function run(loaded: LoadedConfiguration, args: readonly string[], host: ServeHost): Promise<number> {
  const log = serviceLogger(loaded.configuration.log.level);
  const ended = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) host.onSignal(name, () => resolve(name));
  });
  const service = await DeviceCache.start(loaded.configuration, log);
  warnWhenOpen(loaded, log);
  let current = loaded;
  const stopReloading = host.onSignal('SIGHUP', () => {
    current = reload(service, current, args, host, log);
  });
  host.out(`listening on ${service.url}\n`);
  const signal = await ended;
  log.info({ signal }, 'shutting down');
  stopReloading();
  await service.stop();
  return serveExitCodes.stopped;
}

/** A configuration with faults changes nothing. */
function reload(
  service: DeviceCache,
  before: LoadedConfiguration,
  args: readonly string[],
  { env }: ServeHost,
  log: Logger,
): LoadedConfiguration {
  try {
    const after = loadConfiguration({ args, env });
    const changed = changedSettings(before.values, after.values);
    service.change(after.configuration);
    const paths = (isLive: boolean): string[] => changed.filter((one) => one.isLive === isLive).map(({ path }) => path);
    log.info({ changed: paths(true) }, 'configuration was read again');
    if (paths(false).length > 0) log.warn({ ignored: paths(false) }, 'these settings need a restart');
    return after;
  } catch (error) {
    log.error({ err: error }, 'the new configuration has faults: the old one stays');
    return before;
  }
}

function warnWhenOpen({ configuration: { api } }: LoadedConfiguration, log: Logger): void {
  const isLocal = ['127.0.0.1', '::1', 'localhost'].includes(api.host);
  if (api.tokens.length === 0 && !isLocal)
    log.warn('there are no tokens: everybody who reaches the port may read and write');
}

function helpText(): string {
  const lines = Object.values(settings).flatMap(({ argument, help, env, fallback }) =>
    argument === undefined
      ? []
      : [
          `  ${argument.padEnd(14)} ${help ?? ''} (${env ?? ''}${fallback === undefined ? '' : `; default ${JSON.stringify(fallback)}`})`,
        ],
  );
  return [
    'Keeps the latest readings and metadata of devices, and serves them.',
    '',
    '  --config       a file with settings, YAML or JSON (DEVICE_CACHE_CONFIG)',
    ...lines,
    '  --show-config  prints the settings, without secrets, and ends',
    '',
    'SIGHUP reads the configuration again: limits, TTL, log level and tokens change at once.',
    '',
  ].join('\n');
}
