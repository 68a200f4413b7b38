import type { Clock } from '../../clock/clock.ts';
import type { EventEnvelope } from '../../events/event.ts';
import { Histogram } from '../../structures/histogram.ts';
import { SlidingCounts } from '../../structures/sliding-counts.ts';
import { SlidingHistogram } from '../../structures/sliding-histogram.ts';
import type { WatchedPipeline } from './registry-port.ts';
import { plotValue } from './series.ts';
import type { CallsView } from './view.ts';

const WINDOW_MS = 60_000;
const SUB_WINDOWS = 12;
const RELATIVE_ERROR = 0.02;

/** Listens to how the calls of a pipeline end. */
export class PipelineWatch {
  readonly pipeline: WatchedPipeline;
  private readonly clock: Clock;
  private readonly stopListening: () => void;
  private readonly counts: SlidingCounts = new SlidingCounts(WINDOW_MS, SUB_WINDOWS);
  private readonly times: SlidingHistogram = new SlidingHistogram(WINDOW_MS, SUB_WINDOWS, RELATIVE_ERROR);
  /** Since the last point. */
  private readonly recent: Histogram = new Histogram(RELATIVE_ERROR);
  private recentFailures = 0;
  private readonly since: number;

  constructor(pipeline: WatchedPipeline, clock: Clock) {
    this.pipeline = pipeline;
    this.clock = clock;
    this.since = clock.now();
    const on = pipeline.on.bind(pipeline) as (type: string, listener: (event: EventEnvelope) => void) => () => void;
    this.stopListening = on('call-ended', (event) => this.ended(event));
  }

  stop(): void {
    this.stopListening();
  }

  /** How the calls of the last minute came out. */
  get calls(): CallsView {
    const now = this.clock.now();
    const failures = this.counts.misses(now);
    const count = failures + this.counts.hits(now);
    const times = this.times.at(now);
    // In its first minute it has not been watched for a minute.
    const seconds = Math.min(WINDOW_MS, Math.max(1_000, now - this.since)) / 1_000;
    return {
      ratePerSecond: count / seconds,
      errorRatio: count === 0 ? null : failures / count,
      p50Ms: plotValue(times.quantile(0.5)),
      p95Ms: plotValue(times.quantile(0.95)),
      p99Ms: plotValue(times.quantile(0.99)),
    };
  }

  /** The next point of its plots, and the beginning of another. */
  point(intervalMs: number): Readonly<Record<string, number>> {
    const seconds = intervalMs / 1_000;
    const { recent } = this;
    const point = {
      rate: recent.count / seconds,
      failures: this.recentFailures / seconds,
      p50: recent.quantile(0.5),
      p95: recent.quantile(0.95),
      p99: recent.quantile(0.99),
    };
    recent.reset();
    this.recentFailures = 0;
    return point;
  }

  private ended({ outcome, durationMs = 0 }: EventEnvelope): void {
    const now = this.clock.now();
    if (outcome === 'success') this.counts.recordHit(now);
    else {
      this.counts.recordMiss(now);
      this.recentFailures++;
    }
    this.times.record(durationMs, now);
    this.recent.record(durationMs);
  }
}
