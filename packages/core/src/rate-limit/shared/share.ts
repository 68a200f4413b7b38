import { slidingLog } from '../algorithms/sliding-log.ts';
import type { LimitOptions, ResolvedLimit } from '../limit-options.ts';

const LONGEST_PERIOD_MS = 34_560_000_000;

/**
 * What one of `instances` processes may do by itself: the shares of all together never exceed the limit. A limit with
 * less than one for each becomes one in a period that is so much longer.
 */
export function shareOf(limit: ResolvedLimit, instances: number): LimitOptions {
  const { name, algorithm, per, strict, periodMs } = limit;
  const common = { name, algorithm, ...(per === undefined ? {} : { per }) };
  const most = Math.floor(limit.limit / instances);
  if (most < 1) {
    const longerMs = Math.min(LONGEST_PERIOD_MS, Math.ceil((periodMs * instances) / limit.limit));
    return { ...common, limit: 1, periodMs: longerMs, ...(strict ? { algorithm: slidingLog } : {}) };
  }
  if (!algorithm.hasBurst) return { ...common, limit: most, periodMs };
  const burst = Math.max(1, Math.floor(limit.burst / instances));
  // So small that nothing would be left beside the burst: counted one by one instead.
  if (strict && burst >= most) return { ...common, algorithm: slidingLog, limit: most, periodMs };
  return { ...common, limit: most, periodMs, burst, strict };
}
