import type { Clock } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import { asLogger, sharedLogger } from './create-logger.ts';
import type { LogFields, Logger, LoggerPort } from './logger.ts';
import type { LogLevel } from './log-level.ts';

/** Options of {@link logOperation}. */
export interface LogOperationOptions {
  /** Where it is written; default: {@link sharedLogger}. */
  readonly logger?: Logger | LoggerPort | undefined;
  /** What else is known of it. Default: nothing. */
  readonly fields?: LogFields | undefined;
  /** The level of its begin and its success; a failure is an error. Default `info`. */
  readonly level?: LogLevel | undefined;
  /** Where the time comes from; default: the system. */
  readonly clock?: Clock | undefined;
}

/**
 * Runs `fn` and writes that it began, and that it succeeded or failed with its error, with `operation` and `duration_ms`.
 * Its result, promise or error passes unchanged.
 */
export function logOperation<T>(name: string, fn: () => T, options: LogOperationOptions = {}): T {
  const { fields = {}, level = 'info', clock = systemClock } = options;
  const logger = options.logger === undefined ? sharedLogger() : asLogger(options.logger);
  const startedAt = clock.now();
  const write = (how: LogLevel, what: string, more: LogFields): void =>
    logger.log(how, `${name} ${what}`, { ...fields, operation: name, ...more });
  const elapsed = (): LogFields => ({ duration_ms: Math.round((clock.now() - startedAt) * 1_000) / 1_000 });
  const failed = (error: unknown): void => write('error', 'failed', { ...elapsed(), outcome: 'failure', error });
  const succeeded = (): void => write(level, 'succeeded', { ...elapsed(), outcome: 'success' });
  write(level, 'began', {});
  let result: T;
  try {
    result = fn();
  } catch (error) {
    failed(error);
    throw error;
  }
  // The caller has the promise itself, and its rejection; this branch only looks.
  if (isPromise(result)) result.then(succeeded, failed);
  else succeeded();
  return result;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
  );
}
