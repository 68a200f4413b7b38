import { Histogram } from '../structures/histogram.ts';
import type { RateLimitDecision } from './decision.ts';
import type { WaitEnding } from './queue/admission-queue.ts';

/** How long requests have waited, however their wait ended: milliseconds, within 1 %; NaN when none has. */
export interface WaitStatistics {
  readonly count: number;
  readonly totalMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** The longest wait, exactly; 0 when nobody has waited. */
  readonly maxMs: number;
}

/** What a limiter has done so far. */
export interface RateLimiterStatistics {
  /** Requests that were let through, at once or after a wait. */
  readonly admitted: number;
  /** Requests that were refused, at once or because their wait became too long. */
  readonly refused: number;
  /** The same by the name of what refused: a limit, `ban`, `pause`, `deny-list`. */
  readonly refusedBy: Readonly<Record<string, number>>;
  /** Requests that a limiter in shadow mode would have refused. */
  readonly shadowRefused: number;
  /** Requests that had to wait. */
  readonly queued: number;
  /** Requests that were withdrawn while they waited. */
  readonly withdrawn: number;
  /** Requests that have waited and made room for others. */
  readonly dropped: number;
  /** Requests that wait now. */
  readonly waiting: number;
  /** How long requests have waited together, in milliseconds, however their wait ended. */
  readonly waitedMs: number;
  readonly waits: WaitStatistics;
  /** Reservations that are held now. */
  readonly reservations: number;
  /** How much was charged beyond what had been let through: by settling above the estimate, and by penalties. */
  readonly overshoot: number;
  /** How often limits were changed. */
  readonly updates: number;
  /** How many keys are remembered. */
  readonly keys: number;
  /** Keys that were dropped although they had taken something, because more than `maxKeys` had. */
  readonly evictedKeys: number;
}

/** Counts what a limiter does. */
export class LimiterCounts {
  admitted = 0;
  refused = 0;
  shadowRefused = 0;
  queued = 0;
  withdrawn = 0;
  dropped = 0;
  overshoot = 0;
  updates = 0;
  evictedKeys = 0;
  private readonly refusedBy: Map<string, number> = new Map();
  private waits: Histogram | undefined = undefined;

  countRefusal(limitName: string): void {
    this.refused++;
    this.refusedBy.set(limitName, (this.refusedBy.get(limitName) ?? 0) + 1);
  }

  /** Counts a decision that was final: there was no waiting. */
  countDecision(decision: RateLimitDecision): void {
    if (decision.shadow) this.shadowRefused++;
    if (decision.allowed) this.admitted++;
    else this.countRefusal(decision.limitName);
  }

  waitEnded(ending: WaitEnding, waitedMs: number): void {
    (this.waits ??= new Histogram()).record(waitedMs);
    if (ending === 'admitted') this.admitted++;
    else if (ending === 'withdrawn') this.withdrawn++;
    else if (ending === 'dropped') this.dropped++;
  }

  snapshot(now: {
    readonly waiting: number;
    readonly reservations: number;
    readonly keys: number;
  }): RateLimiterStatistics {
    const { admitted, refused, shadowRefused, queued, withdrawn, dropped, overshoot, updates, evictedKeys, waits } =
      this;
    const counts = { admitted, refused, shadowRefused, queued, withdrawn, dropped, overshoot, updates, evictedKeys };
    const waitStatistics = summary(waits);
    const refusedBy = Object.fromEntries(this.refusedBy);
    return { ...counts, ...now, refusedBy, waitedMs: waitStatistics.totalMs, waits: waitStatistics };
  }
}

function summary(waits: Histogram | undefined): WaitStatistics {
  const at = (quantile: number): number => waits?.quantile(quantile) ?? Number.NaN;
  return {
    count: waits?.count ?? 0,
    totalMs: waits?.sum ?? 0,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: waits?.max ?? 0,
  };
}
