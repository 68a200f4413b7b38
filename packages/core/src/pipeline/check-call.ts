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
  if (options === undefined) return faults;
  if (!isObject(options)) return [...faults, { path, expected: OPTIONS, received: describe(options) }];
  // Elsewhere it is the second parameter; ignored here, it would never end anything.
  if (isSignal(options))
    return [...faults, { path, expected: OPTIONS, received: 'an AbortSignal', hint: 'did you mean { signal }?' }];
  const { signal, key, priority, deadlineMs, cost, parent } = options;
  if (signal !== undefined && !isSignal(signal)) {
    faults.push({ path: `${path}.signal`, expected: 'an AbortSignal', received: describe(signal) });
  }
  if (key !== undefined && typeof key !== 'string') {
    faults.push({ path: `${path}.key`, expected: 'a string', received: describe(key) });
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
  if (parent !== undefined && !isObject(parent)) {
    faults.push({ path: `${path}.parent`, expected: 'the context of a call', received: describe(parent) });
  }
  return faults;
}

const OPTIONS = 'an object with options of the call';

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** By shape, not by class: signals come from other realms and from polyfills. */
function isSignal(value: unknown): boolean {
  const signal = value as { readonly aborted?: unknown; readonly addEventListener?: unknown } | null;
  return (
    typeof signal === 'object' && typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function'
  );
}
