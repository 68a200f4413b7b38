/**
 * What a run tells while it works. Facts only, pushed as they happen; whoever draws decides how often to draw.
 * Every method must be cheap and must not throw: the data path calls it for each row.
 * All times are milliseconds; `now`-like values come from the monotonic clock of `breakwater/clock`.
 */

/** What is known before the first row is called. */
export interface RunStart {
  readonly inputName: string;
  readonly outputPath: string;
  /** Rows that this run will settle, or undefined while the input cannot be counted (a pipe). */
  readonly totalRows: number | undefined;
  /** Rows that an earlier run had already settled (0 unless resumed). */
  readonly resumedRows: number;
  readonly concurrency: number;
  /** Calls per second that `--rate` allows, or undefined without a limit. */
  readonly ratePerSecond: number | undefined;
}

/** How the circuit breaker stands; while open, `nextProbeAt` is the monotonic time of the next probe. */
export type UpstreamState =
  | { readonly kind: 'up' }
  | { readonly kind: 'down'; readonly sinceAt: number; readonly nextProbeAt: number }
  | { readonly kind: 'probing'; readonly sinceAt: number };

/** One settled row. */
export interface RowFact {
  readonly position: number;
  readonly ok: boolean;
  /** Category of the error, for failed rows: `http-4xx`, `timeout`, `validation`, … */
  readonly category: string | undefined;
  readonly attempts: number;
  readonly durationMs: number;
}

/** A call that the run made to the upstream; a row has one or more. */
export interface CallFact {
  /** HTTP status, or undefined where no response came. */
  readonly status: number | undefined;
  readonly durationMs: number;
}

export interface RunObserver {
  started(start: RunStart): void;
  /** Input rows that exist became known (a pipe has ended, or the file was counted). */
  totalKnown(totalRows: number): void;
  /** A row has entered the concurrency window. */
  rowStarted(): void;
  /** A row is settled and its line has been written. */
  rowSettled(row: RowFact): void;
  /** One call to the upstream has ended. */
  called(call: CallFact): void;
  /** A retry will follow after `delayMs`. */
  retrying(attempt: number, delayMs: number): void;
  /** A call has waited `waitedMs` for the rate limit. */
  waitedForLimit(waitedMs: number): void;
  upstreamChanged(state: UpstreamState): void;
  /** The run is ending early: no new rows, those in flight are awaited. */
  stopping(reason: string): void;
  /** A sentence for people (warning, remedy) that must not tear the progress line. */
  message(level: LogLevel, text: string): void;
  /** Everything is flushed; the last thing that is told. */
  finished(summary: RunSummary): void;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** How a run ended; the exit code follows from it. */
export type RunEnding =
  | 'answered'
  | 'rows-failed'
  | 'upstream-unavailable'
  | 'credentials-refused'
  | 'too-many-failures'
  | 'interrupted';

export interface LatencyPercentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Rows that failed, by category, with a few positions to look at. */
export interface FailureGroup {
  readonly category: string;
  readonly rows: number;
  /** The first few input positions (1-based). */
  readonly samplePositions: readonly number[];
  /** Message of the first of them. */
  readonly sampleMessage: string;
}

export interface RunSummary {
  readonly ending: RunEnding;
  readonly exitCode: number;
  /** Input rows in range (`--offset`, `--limit`), or those seen so far where the run ended early on a pipe. */
  readonly rows: number;
  readonly answered: number;
  readonly failed: number;
  /** Rows not settled yet: they are what `--resume` will call. */
  readonly remaining: number;
  /** Of `answered` and `failed`, those that an earlier run had settled. */
  readonly resumedRows: number;
  readonly failures: readonly FailureGroup[];
  /** Calls to the upstream in this run. */
  readonly calls: number;
  readonly retries: number;
  /** Index n: rows settled in this run that took n attempts (index 0: rows that were never called). */
  readonly attemptsHistogram: readonly number[];
  /** Of the calls of this run; undefined if none was made. */
  readonly latencyMs: LatencyPercentiles | undefined;
  readonly waitedForLimitMs: number;
  readonly tooManyRequests: number;
  readonly breakerOpenings: number;
  readonly elapsedMs: number;
  readonly rowsPerSecond: number;
  readonly outputPath: string;
  /** Continues an unfinished run, or undefined if nothing remains. */
  readonly resumeCommand: string | undefined;
  /** Calls only the failed rows again, or undefined if none failed. */
  readonly retryFailedCommand: string | undefined;
}
