import { isBreakwaterError } from '../errors/breakwater-error.ts';

const NEVER_RETRIED: ReadonlySet<string> = new Set([
  'CIRCUIT_OPEN',
  'CIRCUIT_ISOLATED',
  'COST_TOO_LARGE',
  'DEADLINE_EXCEEDED',
  'PIPELINE_CLOSED',
]);

/**
 * Whether another attempt may mend an error: what a bare retry tries again after, and a bare hedge too. True for every
 * error but those that another attempt can't mend, which are configuration and validation errors, an open or isolated
 * breaker, a cost above the limit, an exhausted deadline, a closed pipeline; and an error that says so by
 * `retryable: false`.
 */
export function isRetryable(error: unknown): boolean {
  // Whoever made the error may know: a request that must not be sent twice, for one.
  if ((error as { readonly retryable?: unknown } | null | undefined)?.retryable === false) return false;
  if (!isBreakwaterError(error)) return true;
  if (error.category === 'configuration' || error.category === 'validation') return false;
  return !NEVER_RETRIED.has(error.code);
}
