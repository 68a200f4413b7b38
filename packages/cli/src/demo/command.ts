import { systemClock } from 'breakwater/clock';
import { Command } from 'commander';
import { relative } from 'node:path';
import { exitCodes } from '../command-line/command-error.ts';
import { wholeNumber } from '../command-line/quantities.ts';
import { coloured, uncoloured, wantsColour, type Paint } from '../progress/paint.ts';
import { renderComparison, type Comparison } from './comparison.ts';
import { demoPlan, describePlan } from './demo-plan.ts';
import { runDemo } from './demo.ts';
import { LiveLanes, PlainLanes } from './side-by-side.ts';

interface DemoFlags {
  readonly out: string;
  readonly seed: number;
  readonly quick: boolean;
  readonly json: boolean;
  readonly color: boolean;
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('Run 1,000 words through a failing API, with plain fetch and then with Breakwater, and compare')
    .option('-o, --out <folder>', 'where the results go; results of an earlier demo are replaced', 'breakwater-demo')
    .option('--seed <n>', 'decides which calls fail and how long each takes', wholeNumber(0, 4_294_967_295), 2)
    .option('--quick', '200 words and an outage of one second', false)
    .option('--json', 'print the comparison as one JSON object; progress goes to standard error', false)
    .option('--no-color', 'no colours; also by the environment variable NO_COLOR')
    .action(runDemoCommand);
}

async function runDemoCommand(flags: DemoFlags): Promise<void> {
  const plan = demoPlan(flags.seed, flags.quick);
  const stream = flags.json ? process.stderr : process.stdout;
  const paint = wantsColour(stream, process.env, flags.color) ? coloured : uncoloured;
  if (!flags.json) stream.write(`${describePlan(plan)}\n\n`);
  const live = stream.isTTY && process.env['TERM'] !== 'dumb';
  const comparison = await runDemo({
    plan,
    folder: flags.out,
    clock: systemClock,
    paint,
    show: (lanes) =>
      live ? new LiveLanes(lanes, stream, systemClock, paint) : new PlainLanes(lanes, stream, systemClock),
  });
  process.stdout.write(flags.json ? `${JSON.stringify(comparison)}\n` : `\n${closing(comparison, paint)}\n`);
  const { answered, rows } = comparison.breakwater;
  process.exitCode = answered === rows ? exitCodes.answered : exitCodes.rowsFailed;
}

function closing(comparison: Comparison, paint: Paint): string {
  const { plainFetch, breakwater } = comparison;
  return [
    renderComparison(comparison, paint),
    '',
    'Calls and 429s as the upstream counted them. Each row with its answer or its error:',
    `  ${relative('', plainFetch.outputPath)}`,
    `  ${relative('', breakwater.outputPath)}`,
    '',
    'Next, with a file and an API of your own (breakwater run --help):',
    paint('strong', '  breakwater run words.csv --url https://host/cards --rate 180/s'),
  ].join('\n');
}
