/** How the process ends. Each code is explained in the help's epilogue and in docs/cli/exit-codes.md. */
export const exitCodes = {
  answered: 0,
  inputOrUsage: 1,
  rowsFailed: 2,
  upstreamUnavailable: 3,
  notFound: 4,
  configuration: 5,
  interrupted: 130,
} as const;

/** A fault that the user can mend: shown as one sentence without a stack, and the process ends with its code. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** The command line is wrong: unknown option, value out of range, options that contradict each other. */
export function usageError(message: string): CommandError {
  return new CommandError(message, exitCodes.inputOrUsage);
}

/** The input file is wrong; the message names file, line, column and remedy. */
export function inputError(message: string): CommandError {
  return new CommandError(message, exitCodes.inputOrUsage);
}

/** The surroundings are wrong: a missing environment variable, a folder that cannot be written, a library option. */
export function configurationError(message: string): CommandError {
  return new CommandError(message, exitCodes.configuration);
}
