import { Command, CommanderError } from 'commander';
import { CommandError, exitCodes } from './command-line/command-error.ts';

/** A command that is loaded only when it is called, so that help and errors come at once. */
interface LazyCommand {
  readonly summary: string;
  readonly load: (args: readonly string[]) => Promise<Command>;
}

const commands: ReadonlyMap<string, LazyCommand> = new Map<string, LazyCommand>([
  [
    'run',
    {
      summary: 'call an HTTP API for each row of a file, and lose nothing',
      load: async (args) => (await import('./command-line/run-command.ts')).runCommand(args),
    },
  ],
  [
    'upstream',
    {
      summary: 'a local API that misbehaves on demand, to try things on',
      load: async () => (await import('./upstream/command.ts')).upstreamCommand(),
    },
  ],
  [
    'serve',
    {
      summary: 'the device cache: the latest readings and metadata of each device, over HTTP',
      load: async (args) => (await import('./serve/command.ts')).serveCommand(args),
    },
  ],
  [
    'devices',
    {
      summary: 'the devices of a device cache: list, get, put, watch, info, health',
      load: async () => (await import('./devices/command.ts')).devicesCommand(),
    },
  ],
  [
    'demo',
    {
      summary: 'a thousand words through a failing API, plainly and with Breakwater, side by side',
      load: async () => (await import('./demo/command.ts')).demoCommand(),
    },
  ],
]);

/** @param args What stands after the program's name. */
export async function main(args: readonly string[]): Promise<void> {
  const program = new Command('breakwater')
    .description(
      'Push a file of rows through an unreliable, rate-limited HTTP API, and lose nothing; keep the latest of each device.',
    )
    .addHelpText('after', '\nbreakwater <command> --help shows its options and exit codes.');
  const called = args[0] === 'help' ? args[1] : args[0];
  for (const [name, { summary, load }] of commands) {
    program.addCommand(name === called ? await load(args.slice(1)) : new Command(name).description(summary));
  }
  // Whoever reads the output may have seen enough: `breakwater run --help | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exitCode ??= exitCodes.answered;
  });
  try {
    setUp(program);
    await program.parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' });
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

/** Commander ends the process by itself and with its own codes unless told not to. */
function setUp(command: Command): void {
  command.exitOverride();
  command.configureHelp({ showGlobalOptions: false });
  command.showHelpAfterError('(--help shows all options)');
  for (const child of command.commands) setUp(child);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.answered : exitCodes.inputOrUsage;
  if (error instanceof CommandError) {
    process.stderr.write(`error: ${error.message}\n`);
    return error.exitCode;
  }
  if ((error as { code?: unknown } | null)?.code === 'CONFIGURATION') {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    return exitCodes.configuration;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`error: something unexpected happened, please report it: ${text}\n`);
  return exitCodes.configuration;
}
