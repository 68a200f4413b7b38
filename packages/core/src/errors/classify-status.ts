import type { ErrorShape, Kind } from './error-kind.ts';

/** Errors of HTTP clients, which carry the status of the response: `API_<status>`. */
export function classifyHttpStatus(shape: ErrorShape): Kind | undefined {
  const status = statusOf(shape) ?? statusOf(shape.response);
  if (status === undefined) return undefined;
  const code = `API_${status}`;
  if (status === 429) return { category: 'rate_limit', code, status };
  if (status === 401 || status === 403 || status === 407) return { category: 'authentication', code, status };
  if (status === 408 || status === 504) return { category: 'timeout', code, status };
  if (status === 425) return { category: 'external_service', code, status };
  if (status < 500) return { category: 'validation', code, status };
  return { category: 'external_service', code, status, retryable: status === 500 || status === 502 || status === 503 };
}

function statusOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { status, statusCode } = value as { readonly status?: unknown; readonly statusCode?: unknown };
  const found = typeof status === 'number' ? status : statusCode;
  return Number.isInteger(found) && (found as number) >= 400 && (found as number) <= 599
    ? (found as number)
    : undefined;
}
