import { systemClock } from 'breakwater/clock';
import { exitCodes } from '../command-line/command-error.ts';
import type { RawRunOptions, RunOptions } from '../command-line/run-options.ts';
import { runOptions } from '../command-line/run-options.ts';
import { createProgress } from '../progress/progress.ts';
import { describeDryRun, dryRun } from './dry-run.ts';
import type { RunSummary } from './observer.ts';
import { run } from './run.ts';
import { RunStop } from './run-stop.ts';

/** `breakwater run` with progress, signals and exit code. */
export async function runFromCommandLine(input: string, raw: RawRunOptions, args: readonly string[]): Promise<number> {
  const options = runOptions(input, raw);
  if (options.dryRun) return await showDryRun(options, raw.json === true);
  const quiet = raw.quiet === true;
  const progress = createProgress({
    mode: quiet ? 'none' : raw.progress,
    colour: raw.color ? undefined : false,
    summary: !quiet && raw.json !== true,
    logLevel: quiet ? 'error' : raw.logLevel,
  });
  const stop = new RunStop();
  const release = stopOnSignals(stop);
  let summary: RunSummary;
  try {
    summary = await run(options, { clock: systemClock, environment: process.env, observer: progress, stop, args });
  } finally {
    release();
    progress.close();
  }
  if (raw.json === true) process.stdout.write(`${JSON.stringify(summary)}\n`);
  process.exitCode = summary.exitCode;
  // Timers of rows that were left waiting, and of timeouts that nobody needs any more, would keep the process alive.
  process.stdout.write('', () => process.exit());
  return summary.exitCode;
}

async function showDryRun(options: RunOptions, json: boolean): Promise<number> {
  const plan = await dryRun(options, process.env);
  process.stdout.write(`${json ? JSON.stringify(plan) : describeDryRun(plan)}\n`);
  return exitCodes.answered;
}

/** The first signal stops gently, the second at once: the journal holds what was written, nothing is lost. */
function stopOnSignals(stop: RunStop): () => void {
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals > 1) process.exit(exitCodes.interrupted);
    stop.request('interrupted', 'interrupted: calls in flight are awaited; again to end at once');
    // Stopped already for another reason: then the run is ending anyway, and the signal asks for haste.
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}
