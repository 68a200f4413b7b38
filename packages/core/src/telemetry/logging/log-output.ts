/** Where lines go: text to the standard output or wherever one likes, or data to a logger that somebody else made. */
import { visible } from './escape.ts';
import { jsonLine, terminalLine } from './line-formats.ts';
import type { LogRecord } from './log-record.ts';
import type { LoggerPort } from './logger.ts';

/** Takes records. May throw. */
export type LogOutput = (record: LogRecord) => void;

/** What of the process a logger uses. */
interface Platform {
  readonly process?: {
    readonly stdout?: { write?(text: string): unknown; readonly isTTY?: boolean };
    readonly env?: Readonly<Record<string, string | undefined>>;
  };
}

/** Writes lines of text. */
export function lineOutput(
  format: 'json' | 'terminal' | 'auto',
  given: ((line: string) => void) | undefined,
  maxLength: number,
): LogOutput {
  const { process } = globalThis as Platform;
  const toTerminal = given === undefined && process?.stdout?.isTTY === true;
  const write = given ?? platformWrite();
  if (format === 'json' || (format === 'auto' && !toTerminal)) return (record) => write(jsonLine(record, maxLength));
  const colours = toTerminal && (process?.env?.['NO_COLOR'] ?? '') === '';
  return (record) => write(terminalLine(record, maxLength, colours));
}

function platformWrite(): (line: string) => void {
  const stdout = (globalThis as Platform).process?.stdout;
  // It may be replaced later, as tests do: so it is looked up for each line.
  if (typeof stdout?.write === 'function') return (line) => void stdout.write?.(`${line}\n`);
  return (line) => console.log(line);
}

/** Hands data to another logger. */
export function portOutput(port: LoggerPort): LogOutput {
  const takesFieldsFirst = isPino(port);
  return ({ timestamp: _ownTime, level, message: said, ...fields }) => {
    // Not every one of them escapes what it is given as the message.
    const message = visible(said);
    const method = port[level] as (this: LoggerPort, ...parameters: unknown[]) => unknown;
    if (takesFieldsFirst) method.call(port, fields, message);
    else method.call(port, message, fields);
  };
}

/** Of those three only pino wants the data before the message; it has `bindings`, which the others have not. */
function isPino(port: LoggerPort): boolean {
  return typeof (port as { readonly bindings?: unknown }).bindings === 'function';
}
