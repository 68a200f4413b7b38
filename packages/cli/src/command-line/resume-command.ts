import { isSensitiveHeader } from '../template/header-template.ts';

const startOptions = new Set(['--resume', '--fresh', '--retry-failed', '--dry-run']);

/** The command that was given, as it must be given to go on: it can be pasted into a shell. */
export function resumeCommand(args: readonly string[], ...added: readonly string[]): string {
  const kept = args.filter((argument) => !startOptions.has(argument));
  return ['breakwater', 'run', ...maskedHeaders(kept), ...added].map(quoted).join(' ');
}

/** A credential that was typed as `--header` is not repeated on the screen. */
function maskedHeaders(args: readonly string[]): string[] {
  return args.map((argument, index) => {
    const before = args[index - 1];
    if (before === '--header' || before === '-H') return maskedHeader(argument);
    if (argument.startsWith('--header=')) return `--header=${maskedHeader(argument.slice('--header='.length))}`;
    return argument;
  });
}

function maskedHeader(text: string): string {
  const name = text.slice(0, Math.max(text.indexOf(':'), 0)).trim();
  return isSensitiveHeader(name) ? `${name}: ***` : text;
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
