import { isBreakwaterError } from '../errors/breakwater-error.ts';

const CATEGORIES: ReadonlySet<string> = new Set(['timeout', 'rate_limit', 'bulkhead', 'network']);
const STATUSES: ReadonlySet<unknown> = new Set([429, 503]);
const SYSTEM_CODES: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE']);

/**
 * Whether an error says that the upstream could not take the call: time ran out (category `timeout`, or an error named
 * TimeoutError as the platform's own), the upstream said so (category `rate_limit` or `bulkhead`, HTTP status 429 or
 * 503 as `status` or `statusCode`), or there was no connection (category `network`, or the system's code for that, on
 * the error or on its cause). Other errors are answers, if not the ones that one hoped for.
 */
export function isOverload(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if (isBreakwaterError(error)) return CATEGORIES.has(error.category) || error.code === 'HTTP_503';
  const { name, status, statusCode, code, cause } = error as Readonly<Record<string, unknown>>;
  if (name === 'TimeoutError' || STATUSES.has(status) || STATUSES.has(statusCode)) return true;
  return SYSTEM_CODES.has(code) || SYSTEM_CODES.has((cause as { readonly code?: unknown } | null | undefined)?.code);
}
