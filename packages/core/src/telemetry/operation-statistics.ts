import { Histogram, type HistogramJson } from '../structures/histogram.ts';

/** What is known of one operation. All times are milliseconds. */
export interface OperationStatistics {
  readonly count: number;
  readonly errors: number;
  /** Errors of all, 0 to 1; 0 before the first. */
  readonly errorRatio: number;
  readonly totalMs: number;
  /** 0 before the first, as are the others. */
  readonly minMs: number;
  readonly maxMs: number;
  readonly meanMs: number;
  /** Quantiles, each within 1 % of a time that was measured. */
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** An operation as JSON: what another process can take in. */
export interface OperationJson {
  readonly errors: number;
  readonly times: HistogramJson;
}

/** Counts one operation. */
export class Operation {
  private readonly times: Histogram = new Histogram(0.01);
  private errors = 0;

  record(durationMs: number, failed: boolean): void {
    this.times.record(durationMs);
    if (failed) this.errors++;
  }

  merge(other: Operation): void {
    this.times.merge(other.times);
    this.errors += other.errors;
  }

  mergeJson(json: OperationJson): void {
    this.times.mergeJson(json.times);
    this.errors += json.errors;
  }

  toJSON(): OperationJson {
    return { errors: this.errors, times: this.times.toJSON() };
  }

  get statistics(): OperationStatistics {
    const { times, errors } = this;
    const { count, sum } = times;
    const some = count > 0;
    const [p50Ms, p90Ms, p95Ms, p99Ms, p999Ms] = [0.5, 0.9, 0.95, 0.99, 0.999].map((q) =>
      some ? times.quantile(q) : 0,
    );
    return {
      count,
      errors,
      errorRatio: some ? errors / count : 0,
      totalMs: sum,
      minMs: some ? times.min : 0,
      maxMs: some ? times.max : 0,
      meanMs: some ? times.mean : 0,
      p50Ms: p50Ms!,
      p90Ms: p90Ms!,
      p95Ms: p95Ms!,
      p99Ms: p99Ms!,
      p999Ms: p999Ms!,
    };
  }
}
