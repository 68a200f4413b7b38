import type { Clock } from 'breakwater/clock';
import { runCommand } from '../command-line/run-command.ts';
import { runOptions, type RawRunOptions } from '../command-line/run-options.ts';
import type { ProgressTally } from '../progress/progress-state.ts';
import type { RunObserver } from '../run/observer.ts';
import { RunStop } from '../run/run-stop.ts';
import { run } from '../run/run.ts';

/**
 * `breakwater run` with these arguments: the command line's own parser, checks and defaults, in this process, under another observer.
 * Returns how many rows were answered.
 */
export async function runThroughBreakwater(
  args: readonly string[],
  clock: Clock,
  tally: ProgressTally,
  changed: () => void,
): Promise<number> {
  let answered = 0;
  const command = runCommand(args).action(async (input: string, raw: RawRunOptions) => {
    const observer = tallying(tally, clock, changed);
    const surroundings = { clock, environment: process.env, observer, stop: new RunStop(), args };
    ({ answered } = await run(runOptions(input, raw), surroundings));
  });
  await command.parseAsync(args, { from: 'user' });
  return answered;
}

function tallying(tally: ProgressTally, clock: Clock, changed: () => void): RunObserver {
  const then =
    <Fact>(note: (fact: Fact) => void) =>
    (fact: Fact): void => {
      note(fact);
      changed();
    };
  return {
    started: then((start) => tally.started(start, clock.now())),
    totalKnown: then((rows) => tally.totalKnown(rows)),
    rowStarted: () => tally.rowStarted(),
    rowSettled: then((row) => tally.rowSettled(row, clock.now())),
    upstreamChanged: then((state) => tally.upstreamChanged(state, clock.now())),
    called: nothing,
    retrying: nothing,
    waitedForLimit: nothing,
    stopping: nothing,
    message: nothing,
    finished: nothing,
  };
}

function nothing(): void {}
