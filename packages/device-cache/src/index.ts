/**
 * `@breakwater/device-cache`: a service that keeps the latest readings and metadata of every device hot. Needs Node 22.22 or
 * newer; importing this says nothing yet, so that a program can offer the service and run elsewhere without it.
 */
import { BreakwaterError } from 'breakwater/errors';
import type { ServeHost } from './service/serve-host.ts';

export type { ServeHost } from './service/serve-host.ts';

/**
 * Runs the service until SIGTERM or SIGINT; resolves to the exit code: 0 when it was stopped, 1 when it failed, 2 when the
 * configuration has faults.
 *
 * @param args Its arguments, such as `--port 8081`; `--help` lists them.
 * @throws BreakwaterError with the code `UNSUPPORTED_RUNTIME` on a Node that is too old.
 */
export async function serve(args: readonly string[], host: ServeHost): Promise<number> {
  checkRuntime();
  const program = await import('./service/serve.ts');
  return program.serve(args, host);
}

/** A service that runs in this process. */
export interface RunningDeviceCache {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Lets open requests end, commits what was read, and lets go of everything. */
  stop(): Promise<void>;
}

/**
 * Starts the service in this process, for programs and tests.
 *
 * @param settings As a configuration file has them: `{ api: { port: 0 }, store: { path: ':memory:' } }`.
 * @throws ConfigurationError with all faults at once.
 * @throws BreakwaterError with the code `UNSUPPORTED_RUNTIME` on a Node that is too old.
 */
export async function startDeviceCache(settings: Readonly<Record<string, unknown>> = {}): Promise<RunningDeviceCache> {
  checkRuntime();
  const [{ loadConfiguration }, { DeviceCache }, { serviceLogger }] = await Promise.all([
    import('./config/load-configuration.ts'),
    import('./service/device-cache.ts'),
    import('./service/logger.ts'),
  ]);
  const { configuration } = loadConfiguration({ file: settings });
  const service = await DeviceCache.start(configuration, serviceLogger(configuration.log.level));
  return { url: service.url, stop: () => service.stop() };
}

/** The Kafka client needs the latest of its lines; `node:sqlite` is there since 22.13. */
function checkRuntime(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNewEnough = (major === 22 && minor >= 22) || (major === 24 && minor >= 6) || major > 24;
  if (isNewEnough) return;
  throw new BreakwaterError(`The device cache needs Node 22.22, 24.6 or newer; this is ${process.versions.node}`, {
    code: 'UNSUPPORTED_RUNTIME',
    category: 'configuration',
  });
}
