/**
 * Where faults are told. A function tells them of its own options: `retry.maxAttempts`. Whoever calls it with a part of
 * larger options tells them where they stand there: `pipelines.stock.policies[1].retry.maxAttempts`.
 */
import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';

/** The same faults, `path` in place of what their own paths begin with, up to the first dot. */
function below(path: string, faults: readonly ConfigurationFault[]): readonly ConfigurationFault[] {
  return faults.map((fault) => {
    const dot = fault.path.indexOf('.');
    return { ...fault, path: dot < 0 ? path : path + fault.path.slice(dot) };
  });
}

/**
 * What `make` makes.
 *
 * @throws ConfigurationError with its faults below `path`.
 */
export function faultsBelow<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof ConfigurationError ? new ConfigurationError(below(path, error.faults)) : error;
  }
}

/** What `make` makes; undefined where it finds fault, which goes into `faults`. */
export function collectFaults<T>(faults: ConfigurationFault[], make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}
