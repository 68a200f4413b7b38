import type { WallMs } from '../clock/clock.ts';
import { type HeaderSource, headerValue } from './header-source.ts';
import { parseHttpDate } from './http-date.ts';
import { parseQuotas } from './quota.ts';

/**
 * The value of Retry-After in milliseconds: seconds (`120`, and the decimals that some servers send) or a date, which is
 * counted from `wallTime` and 0 when it has passed. Undefined when it is neither: no wait is made up.
 */
export function parseRetryAfter(value: string, wallTime: WallMs): number | undefined {
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return finite(Number(text) * 1_000);
  const date = parseHttpDate(text, wallTime);
  return date === undefined ? undefined : Math.max(0, date - wallTime);
}

/**
 * After how many milliseconds a server that refused a request wants to be asked again, from the headers of its
 * response: `retry-after-ms`, then `Retry-After`, then the reset of whichever limit is used up (see {@link parseQuotas}).
 * Undefined when they don't say.
 *
 * @param status The status of the response. Limits are told on every response, so they count only where the status is a
 *   refusal (429, 503); left out, they count.
 */
export function retryAfterMs(headers: HeaderSource, wallTime: WallMs, status?: number): number | undefined {
  const exact = headerValue(headers, 'retry-after-ms');
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return finite(Number(exact));
  const named = headerValue(headers, 'retry-after');
  const parsed = named === undefined ? undefined : parseRetryAfter(named, wallTime);
  if (parsed !== undefined) return parsed;
  return status === undefined || status === 429 || status === 503 ? untilReset(headers, wallTime) : undefined;
}

/** Of several limits that are used up the last one to come back decides. */
function untilReset(headers: HeaderSource, wallTime: WallMs): number | undefined {
  let latest: number | undefined;
  for (const { remaining, resetMs } of parseQuotas(headers, wallTime)) {
    if (resetMs === undefined || (remaining !== undefined && remaining > 0)) continue;
    latest = Math.max(latest ?? 0, resetMs);
  }
  return latest;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
