import { exitCodes } from '../command-line/command-error.ts';
import { resumeCommand } from '../command-line/resume-command.ts';
import type { RunOptions } from '../command-line/run-options.ts';
import type { RunJournal } from '../journal/run-journal.ts';
import type { Job } from './job.ts';
import type { RunEnding, RunSummary } from './observer.ts';
import type { RunStatistics } from './run-statistics.ts';
import type { RunStop } from './run-stop.ts';

export interface SummarySources {
  readonly options: RunOptions;
  readonly args: readonly string[];
  readonly job: Job;
  readonly journal: RunJournal;
  readonly statistics: RunStatistics;
  readonly stop: RunStop;
  /** Rows of a pipe that were seen. */
  readonly rows: number;
  readonly elapsedMs: number;
}

const exitCodeOf: Readonly<Record<RunEnding, number>> = {
  answered: exitCodes.answered,
  'rows-failed': exitCodes.rowsFailed,
  'upstream-unavailable': exitCodes.upstreamUnavailable,
  'credentials-refused': exitCodes.rowsFailed,
  'too-many-failures': exitCodes.rowsFailed,
  interrupted: exitCodes.interrupted,
};

export function summarize(sources: SummarySources): RunSummary {
  const { args, job, journal, statistics, stop, elapsedMs, options } = sources;
  const { finished } = journal;
  const answered = finished?.answered ?? journal.index.answered;
  const failed = finished?.failed ?? journal.index.failed;
  const rows = job.totalRows ?? finished?.rows ?? Math.max(sources.rows, answered + failed);
  const ending = stop.ending ?? (failed > 0 ? 'rows-failed' : 'answered');
  // The end of a pipe that was left early is not known, so there may be more.
  const unfinished = stop.ending !== undefined && (job.totalRows === undefined || rows > answered + failed);
  const settledHere = answered + failed - (finished === undefined ? journal.resumedRows : answered + failed);
  return {
    ending,
    exitCode: exitCodeOf[ending],
    rows,
    answered,
    failed,
    remaining: Math.max(0, rows - answered - failed),
    resumedRows: answered + failed - settledHere,
    failures: statistics.failures,
    calls: statistics.calls,
    retries: statistics.retries,
    attemptsHistogram: Array.from(statistics.attemptsHistogram, (count) => count ?? 0),
    latencyMs: statistics.latencyMs,
    waitedForLimitMs: statistics.waitedForLimitMs,
    tooManyRequests: statistics.tooManyRequests,
    breakerOpenings: statistics.breakerOpenings,
    elapsedMs,
    rowsPerSecond: elapsedMs > 0 ? (settledHere * 1000) / elapsedMs : 0,
    outputPath: options.out,
    resumeCommand: unfinished ? resumeCommand(args, '--resume') : undefined,
    retryFailedCommand: failed > 0 ? resumeCommand(args, '--resume', '--retry-failed') : undefined,
  };
}
