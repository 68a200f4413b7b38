import { Histogram } from 'breakwater/structures';
import type { FailureGroup, LatencyPercentiles } from './observer.ts';

const maxSamples = 5;

/** Counts what happens in a run. Memory does not grow with the rows. */
export class RunStatistics {
  readonly #latency = new Histogram();
  readonly #failures = new Map<string, { rows: number; samples: number[]; message: string }>();
  readonly attemptsHistogram: number[] = [];
  calls = 0;
  retries = 0;
  tooManyRequests = 0;
  breakerOpenings = 0;
  waitedForLimitMs = 0;

  called(status: number | undefined, durationMs: number): void {
    this.calls += 1;
    if (status === 429) this.tooManyRequests += 1;
    this.#latency.record(durationMs);
  }

  settled(attempts: number): void {
    this.attemptsHistogram[attempts] = (this.attemptsHistogram[attempts] ?? 0) + 1;
  }

  failed(position: number, category: string, message: string): void {
    let group = this.#failures.get(category);
    if (group === undefined) this.#failures.set(category, (group = { rows: 0, samples: [], message }));
    group.rows += 1;
    if (group.samples.length < maxSamples) group.samples.push(position);
  }

  get latencyMs(): LatencyPercentiles | undefined {
    const latency = this.#latency;
    if (latency.count === 0) return undefined;
    return { p50: latency.quantile(0.5), p90: latency.quantile(0.9), p99: latency.quantile(0.99), max: latency.max };
  }

  /** The largest group first. */
  get failures(): FailureGroup[] {
    return [...this.#failures]
      .map(([category, { rows, samples, message }]) => ({
        category,
        rows,
        samplePositions: samples,
        sampleMessage: message,
      }))
      .sort((a, b) => b.rows - a.rows);
  }
}
