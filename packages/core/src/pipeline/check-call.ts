import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import { describe } from '../options/resolve.ts';
import type { CallOptions } from '../policy/context.ts';
import { PRIORITIES } from '../policy/priority.ts';

/** What is wrong with a call as the caller made it; undefined when nothing is. Looks only at what was given. */
export function faultOfCall(fn: unknown, options: CallOptions | undefined): ConfigurationError | undefined {
  if (typeof fn === 'function' && options === undefined) return undefined;
  const faults = faultsOfCall('execute', fn, options);
  return faults.length === 0 ? undefined : new ConfigurationError(faults);
}

/** Everything that is wrong with a call of the method named `path`. */
export function faultsOfCall(path: string, fn: unknown, options: CallOptions | undefined): ConfigurationFault[] {
  const faults: ConfigurationFault[] = [];
  if (typeof fn !== 'function') faults.push({ path, expected: 'a function', received: describe(fn) });
  const { signal, priority, deadlineMs, cost } = options ?? {};
  if (signal !== undefined && !isSignal(signal)) {
    faults.push({ path: `${path}.signal`, expected: 'an AbortSignal', received: describe(signal) });
  }
  if (priority !== undefined && !PRIORITIES.includes(priority)) {
    faults.push({
      path: `${path}.priority`,
      expected: `one of ${PRIORITIES.join(', ')}`,
      received: describe(priority),
    });
  }
  if (deadlineMs !== undefined && !(deadlineMs >= 0)) {
    faults.push({ path: `${path}.deadlineMs`, expected: 'milliseconds of at least 0', received: describe(deadlineMs) });
  }
  if (cost !== undefined && !(cost >= 0)) {
    faults.push({ path: `${path}.cost`, expected: 'a number of at least 0', received: describe(cost) });
  }
  return faults;
}

/** By shape, not by class: signals come from other realms and from polyfills. */
function isSignal(value: unknown): boolean {
  const signal = value as { readonly aborted?: unknown; readonly addEventListener?: unknown } | null;
  return (
    typeof signal === 'object' && typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function'
  );
}
