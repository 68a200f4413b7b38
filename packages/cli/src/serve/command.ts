import { systemClock } from 'breakwater/clock';
import { Command } from 'commander';
import { CommandError, configurationError, exitCodes } from '../command-line/command-error.ts';

/** What is needed of `@breakwater/device-cache`. */
interface DeviceCacheModule {
  serve(
    args: readonly string[],
    host: {
      readonly env: NodeJS.ProcessEnv;
      out(text: string): void;
      error(text: string): void;
      onSignal(name: 'SIGTERM' | 'SIGINT' | 'SIGHUP', callback: () => void): () => void;
    },
  ): Promise<number>;
}

/** A package of its own, which this one does not depend on: its Kafka client and its store need a newer Node. */
const SERVICE: string = '@breakwater/device-cache';

const loadService = async (): Promise<DeviceCacheModule> => (await import(SERVICE)) as DeviceCacheModule;

/** How long the process may stay after the service has ended. */
const LINGER_MS = 500;

/** The exit codes of the service's own program. */
const SERVICE_CODES: Readonly<Record<number, number>> = { 0: exitCodes.answered, 2: exitCodes.configuration };

/** @param args What stands after `serve`: the service reads it itself, and has its own help. */
export function serveCommand(args: readonly string[]): Command {
  return new Command('serve')
    .description('Start the device cache: it keeps the latest readings and metadata of each device, and serves them')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[options...]', 'those of the service: breakwater serve --help lists them')
    .action(async () => {
      process.exitCode = await serve(args, loadService);
      // Everything is done; what a server no longer answers must not hold on to the process.
      systemClock.setTimer(LINGER_MS, () => process.exit(), true);
    });
}

/**
 * Runs the service until a signal ends it; resolves to the exit code of this command.
 *
 * @param load Loads the service, which is there only where its package is installed.
 */
export async function serve(args: readonly string[], load: () => Promise<DeviceCacheModule>): Promise<number> {
  const service = await loaded(load);
  try {
    const code = await service.serve(args, {
      env: process.env,
      out: (text) => void process.stdout.write(text),
      error: (text) => void process.stderr.write(text),
      onSignal: (name, callback) => {
        process.on(name, callback);
        return () => process.off(name, callback);
      },
    });
    return SERVICE_CODES[code] ?? exitCodes.upstreamUnavailable;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'UNSUPPORTED_RUNTIME') throw error;
    throw configurationError(`${(error as Error).message}. The other commands run on Node 20.19 or newer.`);
  }
}

async function loaded(load: () => Promise<DeviceCacheModule>): Promise<DeviceCacheModule> {
  try {
    return await load();
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const remedy = 'npm install @breakwater/device-cache, beside @breakwater/cli';
    throw new CommandError(
      `the service is a package of its own, which is not installed: ${remedy}`,
      exitCodes.configuration,
    );
  }
}
