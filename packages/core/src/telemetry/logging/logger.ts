import type { LogLevel } from './log-level.ts';

/** What is known besides the message, by name: plain data, or an `error`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What pino, winston and console have in common: a method for each level. */
export interface LoggerPort {
  debug(...parameters: never[]): unknown;
  info(...parameters: never[]): unknown;
  warn(...parameters: never[]): unknown;
  error(...parameters: never[]): unknown;
}

/** Writes lines; see {@link createLogger}. It never throws, and is itself a {@link LoggerPort}. */
export interface Logger {
  /** Which part of the program writes: `shop.payments`. */
  readonly name: string;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  log(level: LogLevel, message: string, fields?: LogFields): void;
  /** Whether lines of this level are written: ask before computing what only a log needs. */
  isEnabled(level: LogLevel): boolean;
  /** A logger of a part, named `parent.name`, all of whose lines carry `fields` too. It writes where this one does. */
  child(name: string, fields?: LogFields): Logger;
  /** What has become of the lines, those of children included. */
  readonly statistics: LogStatistics;
  /** Tells how many repeated lines were held back, and lets go of timers. Lines that come later are written as before. */
  flush(): void;
}

/** What has become of the lines of a logger and its children. */
export interface LogStatistics {
  readonly written: number;
  /** Held back because the same line had been written too often. */
  readonly suppressed: number;
  /** Lines that could not be written, because what writes them threw. */
  readonly failed: number;
}
