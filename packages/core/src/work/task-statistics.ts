import { Histogram } from '../structures/histogram.ts';
import type { TaskEnd } from './pool-task.ts';
import type { DurationSummary, WorkerPoolStatistics } from './worker-pool-options.ts';

/** Counts what becomes of tasks; fixed memory. */
export class TaskStatistics {
  refused = 0;
  peakRunning = 0;
  private readonly ends: Record<TaskEnd, number> = { succeeded: 0, failed: 0, 'timed-out': 0, aborted: 0 };
  private readonly waits: Histogram = new Histogram();
  private readonly runs: Histogram = new Histogram();

  started(waitedMs: number, running: number): void {
    this.waits.record(waitedMs);
    if (running > this.peakRunning) this.peakRunning = running;
  }

  ended(end: TaskEnd, ranMs: number | undefined): void {
    this.ends[end]++;
    if (ranMs !== undefined) this.runs.record(ranMs);
  }

  summary(now: { running: number; queued: number; workers: number }): WorkerPoolStatistics {
    const { ends } = this;
    return {
      ...now,
      peakRunning: this.peakRunning,
      succeeded: ends.succeeded,
      failed: ends.failed + ends['timed-out'],
      timedOut: ends['timed-out'],
      aborted: ends.aborted,
      refused: this.refused,
      waitMs: summaryOf(this.waits),
      runMs: summaryOf(this.runs),
    };
  }
}

function summaryOf(times: Histogram): DurationSummary {
  return {
    mean: times.mean,
    p50: times.quantile(0.5),
    p95: times.quantile(0.95),
    p99: times.quantile(0.99),
    max: times.count === 0 ? Number.NaN : times.max,
  };
}
