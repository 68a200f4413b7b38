import { pipeline } from '../pipeline/pipeline.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import type { RetryOptions } from './options.ts';
import { retry } from './retry.ts';

/** Options of {@link retryAsync}: those of a retry and those of a call. */
export interface RetryAsyncOptions extends RetryOptions, CallOptions {}

/**
 * Calls `fn`, and again when it fails, in one line: `await retryAsync(({ signal }) => fetch(url, { signal }))`. The
 * same as a pipeline with nothing but a `retry`; for calls that are made often, make that once instead.
 *
 * Resolves to what `fn` returns. Rejects with the error of the last attempt, the reason of the signal's abort, a
 * DeadlineExceededError, or a ConfigurationError when the options can't be meant.
 */
export async function retryAsync<T>(
  fn: (context: ExecutionContext) => T,
  options: RetryAsyncOptions = {},
): Promise<Awaited<T>> {
  const { signal, key, priority, cost, deadlineMs, parent, ...retryOptions } = options;
  return pipeline(retry(retryOptions)).execute(fn, { signal, key, priority, cost, deadlineMs, parent });
}
