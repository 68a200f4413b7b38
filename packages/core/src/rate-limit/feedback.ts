/** What a server's responses say about its limits, brought to a limiter's. */
import type { WallMs } from '../clock/clock.ts';
import { parseQuotas, type Quota } from '../headers/quota.ts';
import { retryAfterMs } from '../headers/retry-after.ts';
import { microseconds } from './algorithms/meter.ts';
import type { LimiterKey } from './keys/limiter-key.ts';
import { keyFor } from './keys/limiter-key.ts';
import type { LimitSet } from './limit-set.ts';
import type { ServerResponse } from './rate-limiter.ts';

const REFUSALS: readonly number[] = [429, 503];

/** How long the server wants not to be asked, in milliseconds; 0 when it has refused nothing or does not say. */
export function pauseMs({ status, headers }: ServerResponse, wallTime: WallMs): number {
  return REFUSALS.includes(status) ? (retryAfterMs(headers, wallTime, status) ?? 0) : 0;
}

/** Charges what the server counts and we don't. */
export function followQuotas(
  limits: LimitSet,
  { headers }: ServerResponse,
  key: LimiterKey | undefined,
  nowMs: number,
  wallTime: WallMs,
): void {
  const nowUs = microseconds(nowMs);
  for (const quota of parseQuotas(headers, wallTime)) {
    const limit = limits.limits.find((candidate) => isMeant(quota, candidate.name, limits.limits.length));
    if (limit === undefined || quota.remaining === undefined) continue;
    const own = keyFor(limit.per, key);
    const tooMuch = limit.remaining(own, limit.slot(own), nowUs) - Math.max(0, Math.floor(quota.remaining));
    if (tooMuch > 0) limit.take(own, tooMuch, nowUs);
  }
}

function isMeant(quota: Quota, limitName: string, limits: number): boolean {
  return quota.name === limitName || (limits === 1 && quota.name === 'default');
}
