/** What a server's responses say about its limits, brought to a limiter's. */
import type { WallMs } from '../clock/clock.ts';
import { parseQuotas, type Quota } from '../headers/quota.ts';
import { retryAfterMs } from '../headers/retry-after.ts';
import { microseconds } from './algorithms/meter.ts';
import type { LimiterKey } from './keys/limiter-key.ts';
import { keyFor } from './keys/limiter-key.ts';
import type { LimitSet } from './limit-set.ts';
import type { ServerResponse } from './rate-limiter.ts';

/** 529 is what some providers answer when they are overloaded. */
const REFUSALS: readonly number[] = [429, 503, 529];

/** How long the server wants not to be asked, in milliseconds; 0 when it has refused nothing or does not say. */
export function pauseMs({ status, headers }: ServerResponse, wallTime: WallMs): number {
  return REFUSALS.includes(status) ? (retryAfterMs(headers, wallTime, status) ?? 0) : 0;
}

/** How much the server says is left of each limit, where it says that. */
export function quotasLeft(
  limitNames: readonly string[],
  { headers }: ServerResponse,
  wallTime: WallMs,
): readonly (number | undefined)[] {
  const left = limitNames.map((): number | undefined => undefined);
  for (const quota of parseQuotas(headers, wallTime)) {
    const index = limitNames.findIndex((name) => isMeant(quota, name, limitNames.length));
    if (index >= 0 && quota.remaining !== undefined) left[index] = Math.max(0, Math.floor(quota.remaining));
  }
  return left;
}

/** Charges what the server counts and we don't. */
export function followQuotas(
  limits: LimitSet,
  response: ServerResponse,
  key: LimiterKey | undefined,
  nowMs: number,
  wallTime: WallMs,
): void {
  const nowUs = microseconds(nowMs);
  for (const [index, left] of quotasLeft(limits.names, response, wallTime).entries()) {
    if (left === undefined) continue;
    const limit = limits.limits[index]!;
    const own = keyFor(limit.per, key);
    const tooMuch = limit.remaining(own, limit.slot(own), nowUs) - left;
    if (tooMuch > 0) limit.take(own, tooMuch, nowUs);
  }
}

function isMeant(quota: Quota, limitName: string, limits: number): boolean {
  return quota.name === limitName || (limits === 1 && quota.name === 'default');
}
