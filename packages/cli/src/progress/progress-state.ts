import type { RowFact, RunStart, UpstreamState } from '../run/observer.ts';

/** What a progress line shows, at one moment. */
export interface ProgressState {
  /** Undefined while the input cannot be counted. */
  readonly totalRows: number | undefined;
  /** Settled rows, those of an earlier run included. */
  readonly settledRows: number;
  readonly failedRows: number;
  readonly rowsInFlight: number;
  /** Rows settled per second lately; undefined until there is something to measure. */
  readonly ratePerSecond: number | undefined;
  readonly leftMs: number | undefined;
  readonly upstream: { readonly kind: 'up' | 'probing' } | { readonly kind: 'down'; readonly nextProbeInMs: number };
  /** Why the run is ending early. */
  readonly stopping: string | undefined;
}

/** The rate is that of the last ten seconds: long enough to be calm, short enough to notice an outage. */
const SAMPLE_MS = 500;
const SAMPLES = 20;

/** Collects a run's facts and answers what they amount to now. */
export class ProgressTally {
  #totalRows: number | undefined;
  #resumedRows = 0;
  #settled = 0;
  #failed = 0;
  #started = 0;
  #upstream: UpstreamState = { kind: 'up' };
  #stopping: string | undefined;
  #samples: { readonly at: number; readonly settled: number }[] = [];

  get settledRows(): number {
    return this.#resumedRows + this.#settled;
  }

  get totalRows(): number | undefined {
    return this.#totalRows;
  }

  get upstreamKind(): UpstreamState['kind'] {
    return this.#upstream.kind;
  }

  started(start: RunStart, now: number): void {
    this.#totalRows = start.totalRows;
    this.#resumedRows = start.resumedRows;
    this.#samples = [{ at: now, settled: 0 }];
  }

  totalKnown(totalRows: number): void {
    this.#totalRows = totalRows;
  }

  rowStarted(): void {
    this.#started += 1;
  }

  rowSettled(row: RowFact, now: number): void {
    this.#settled += 1;
    if (!row.ok) this.#failed += 1;
    this.#sample(now);
  }

  upstreamChanged(state: UpstreamState, now: number): void {
    // The standstill is over: a rate that remembered it would promise too late an end.
    if (state.kind === 'up' && this.#upstream.kind !== 'up') this.#samples = [{ at: now, settled: this.#settled }];
    this.#upstream = state;
  }

  stop(reason: string): void {
    this.#stopping = reason;
  }

  state(now: number): ProgressState {
    this.#sample(now);
    const ratePerSecond = this.#rate(now);
    const left = this.#totalRows === undefined ? undefined : Math.max(0, this.#totalRows - this.settledRows);
    const foreseeable =
      left !== undefined && ratePerSecond !== undefined && ratePerSecond > 0 && this.#upstream.kind === 'up';
    return {
      totalRows: this.#totalRows,
      settledRows: this.settledRows,
      failedRows: this.#failed,
      rowsInFlight: Math.max(0, this.#started - this.#settled),
      ratePerSecond,
      leftMs: foreseeable ? (left / ratePerSecond) * 1_000 : undefined,
      upstream:
        this.#upstream.kind === 'down'
          ? { kind: 'down', nextProbeInMs: Math.max(0, this.#upstream.nextProbeAt - now) }
          : { kind: this.#upstream.kind },
      stopping: this.#stopping,
    };
  }

  #sample(now: number): void {
    const last = this.#samples.at(-1);
    if (last && now - last.at < SAMPLE_MS) return;
    this.#samples.push({ at: now, settled: this.#settled });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  #rate(now: number): number | undefined {
    const first = this.#samples[0];
    if (!first || now - first.at < SAMPLE_MS) return undefined;
    return ((this.#settled - first.settled) / (now - first.at)) * 1_000;
  }
}
