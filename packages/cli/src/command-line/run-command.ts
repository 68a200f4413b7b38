import { Command, Option } from 'commander';
import { delimiter, duration, rate, ratio, wholeNumber } from './quantities.ts';
import type { RawRunOptions } from './run-options.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** @param args What stands after `run`, for the resume command. */
export function runCommand(args: readonly string[]): Command {
  const command = new Command('run')
    .summary('call an HTTP API for each row of a file, and lose nothing')
    .description(
      'Calls an HTTP API once for each row of a file: within its rate limit, through its outages, resumable after a crash.\n' +
        'Every row ends up in the output exactly once, answered or with the reason why not.',
    )
    .argument('<input>', 'a CSV, TSV or JSONL file, or - for standard input');
  requestOptions(command);
  inputOptions(command);
  outputOptions(command);
  paceOptions(command);
  faultOptions(command);
  startOptions(command);
  displayOptions(command);
  command.addHelpText('after', epilogue);
  return command.action(async (input: string, options: RawRunOptions) => {
    const { runFromCommandLine } = await import('../run/from-command-line.ts');
    process.exitCode = await runFromCommandLine(input, options, args);
  });
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, description)
    .default([], 'none')
    .argParser((value: string, previous: readonly string[]) => [...previous, value]);
}

function requestOptions(command: Command): void {
  command
    .optionsGroup('Request ({{column}} is filled from the row, escaped for where it stands):')
    .requiredOption('-u, --url <template>', 'where to call: https://host/cards/{{id}}')
    .option('-X, --method <name>', 'GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS (default: POST)')
    .option(
      '-d, --body <template>',
      'body, or @file that holds it (default: the row as JSON; none for GET, HEAD, DELETE)',
    )
    .addOption(repeatable('-H, --header <header>', '"Name: value"; may be repeated'))
    .addOption(
      repeatable(
        '--header-env <name=VARIABLE>',
        'header whose value is in the environment, never shown; may be repeated',
      ),
    );
}

function inputOptions(command: Command): void {
  command
    .optionsGroup('Input:')
    .addOption(
      new Option('--format <name>', 'csv, tsv or jsonl (default: by the name of the file)').choices([
        'csv',
        'tsv',
        'jsonl',
      ]),
    )
    .option('--delimiter <char>', 'between fields (default: found in the header among , ; and tab)', delimiter)
    .addOption(
      new Option('--quote <mode>', 'none: a quote is a letter like any other')
        .choices(['double', 'none'])
        .default('double'),
    )
    .option('-n, --limit <rows>', 'at most so many rows', wholeNumber(1, Infinity))
    .option('--offset <rows>', 'leave out so many rows at the beginning', wholeNumber(0, Infinity), 0);
}

function outputOptions(command: Command): void {
  command
    .optionsGroup('Output:')
    .option('-o, --out <file>', '.jsonl or .csv (default: <input>.results.jsonl beside the input)')
    .option('-s, --select <pointer>', 'what to keep of a JSON response: /card/back (RFC 6901)')
    .addOption(
      new Option('--order <order>', 'of the rows in the output').choices(['input', 'completion']).default('input'),
    );
}

function paceOptions(command: Command): void {
  command
    .optionsGroup('Pace:')
    .option('-c, --concurrency <n>', 'rows at the same time, 1 to 1000', wholeNumber(1, 1000), 10)
    .option('-b, --batch-size <n>', 'another name of --concurrency', wholeNumber(1, 1000))
    .option('-r, --rate <limit>', 'calls in a time, retries included: 10/s, 600/m, 1000/h', rate)
    .option(
      '--burst <n>',
      'calls that may start at once (default: what a tenth of a second allows)',
      wholeNumber(1, 1_000_000),
    );
}

function faultOptions(command: Command): void {
  command
    .optionsGroup('Faults:')
    .option('-a, --max-attempts <n>', 'calls for one row that the upstream may fail, 1 to 100', wholeNumber(1, 100), 5)
    .addOption(
      new Option('-t, --timeout <duration>', 'of one call').argParser(duration(1, 5 * minute)).default(30_000, '30s'),
    )
    .option(
      '--total-timeout <duration>',
      'of one row with all its attempts, outages left out (default: none)',
      duration(1, day),
    )
    .option('--breaker-ratio <ratio>', 'of failing calls at which calling pauses, above 0 to 1', ratio(1), 0.5)
    .addOption(
      new Option('--breaker-break <duration>', 'of a pause until the next probe')
        .argParser(duration(100, hour))
        .default(2_000, '2s'),
    )
    .option(
      '--max-outage <duration>',
      'without any answer, then stop with exit code 3 (default: 5m; 30s before the first answer)',
      duration(1_000, day),
    )
    .addOption(
      new Option('--on-error <mode>', 'what a failed row means for the others')
        .choices(['continue', 'stop'])
        .default('continue'),
    )
    .option('--max-failures <n>', 'stop when more rows than this have failed', wholeNumber(0, Infinity))
    .addOption(
      new Option('--grace <duration>', 'for calls in flight after Ctrl-C')
        .argParser(duration(0, hour))
        .default(10_000, '10s'),
    );
}

function startOptions(command: Command): void {
  command
    .optionsGroup('Start:')
    .option('--resume', 'go on where an earlier run on the same output ended; from the beginning if there was none')
    .option('--retry-failed', 'as --resume, and call the failed rows again')
    .option('--fresh', 'forget the results of an earlier run')
    .option('--dry-run', 'show rows, invalid rows, the first request and the time at the given rate; calls nothing');
}

function displayOptions(command: Command): void {
  command
    .optionsGroup('Display:')
    .addOption(
      new Option('--progress <mode>', 'on standard error').choices(['auto', 'bar', 'plain', 'none']).default('auto'),
    )
    .option('--json', 'summary as one JSON object on standard output')
    .option('-q, --quiet', 'errors only')
    .addOption(
      new Option('--log-level <level>', 'of messages').choices(['error', 'warn', 'info', 'debug']).default('info'),
    )
    .option('--no-color', 'no colours; also by the environment variable NO_COLOR')
    .optionsGroup('Other:')
    .helpOption('-h, --help', 'show this');
}

const epilogue = `
Examples:
  breakwater run words.csv --url https://host/cards --body '{"word":"{{term}}","kind":"{{type}}"}' --rate 600/m
  breakwater run ids.csv --method GET --url 'https://host/items/{{id}}' --select /name --out names.csv
  breakwater run words.csv --url https://host/cards --header-env Authorization=API_TOKEN --dry-run

Exit codes:
  0    every row is answered
  1    the input or the command line is wrong; nothing was called for what is wrong
  2    some rows failed (they are in the output, listed at the end), or credentials were refused, or --max-failures
  3    the upstream stayed away longer than --max-outage; --resume goes on
  5    configuration: a missing environment variable, a folder that cannot be written
  130  interrupted; --resume goes on
`;
