import { Histogram } from '../structures/histogram.ts';
import type { Member } from './member.ts';
import type { AgeHistogram, DestroyReason, PoolStatistics, TimeSummary } from './pool-contract.ts';

/** What a pool counts; fixed memory. */
export class PoolRecords {
  acquired = 0;
  timedOut = 0;
  created = 0;
  createFailed = 0;
  peakSize = 0;
  readonly destroyed: Record<DestroyReason, number> = {
    lost: 0,
    broken: 0,
    unhealthy: 0,
    recycled: 0,
    idle: 0,
    surplus: 0,
    closed: 0,
  };
  private readonly waits: Histogram = new Histogram();
  private readonly uses: Histogram = new Histogram();

  lent(waitedMs: number): void {
    this.acquired++;
    this.waits.record(waitedMs);
  }

  returned(usedMs: number): void {
    this.uses.record(usedMs);
  }

  summary(standing: Standing, ages: AgeHistogram): PoolStatistics {
    const { peakSize, acquired, timedOut, created, createFailed } = this;
    return {
      ...standing,
      peakSize,
      acquired,
      timedOut,
      created,
      createFailed,
      destroyed: { ...this.destroyed },
      waitMs: summaryOf(this.waits),
      useMs: summaryOf(this.uses),
      ages,
    };
  }
}

type Standing = Pick<PoolStatistics, 'size' | 'idle' | 'inUse' | 'creating' | 'checking' | 'ending' | 'waiting'>;

function summaryOf(times: Histogram): TimeSummary {
  return {
    mean: times.mean,
    p50: times.quantile(0.5),
    p95: times.quantile(0.95),
    p99: times.quantile(0.99),
    max: times.count === 0 ? Number.NaN : times.max,
  };
}

const MINUTE_MS = 60_000;
const AGE_BOUNDS: readonly number[] = [
  10_000,
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  30 * MINUTE_MS,
  60 * MINUTE_MS,
  240 * MINUTE_MS,
  1_440 * MINUTE_MS,
  Infinity,
];

/** How old things are that were made at these times. */
export function agesOf(members: Iterable<Pick<Member<unknown>, 'createdAt'>>, now: number): AgeHistogram {
  const counts = AGE_BOUNDS.map(() => 0);
  let oldestMs = Number.NaN;
  for (const { createdAt } of members) {
    const ageMs = now - createdAt;
    counts[AGE_BOUNDS.findIndex((bound) => ageMs <= bound)]!++;
    oldestMs = ageMs > oldestMs || Number.isNaN(oldestMs) ? ageMs : oldestMs;
  }
  return { buckets: AGE_BOUNDS.map((upToMs, index) => ({ upToMs, count: counts[index]! })), oldestMs };
}
