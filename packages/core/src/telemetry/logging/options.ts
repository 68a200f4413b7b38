import type { Clock } from '../../clock/clock.ts';
import type { ErrorCatalog } from '../../errors/catalog.ts';
import type { Redactor } from '../../errors/redactor.ts';
import type { Resolved } from '../../options/resolve.ts';
import {
  callable,
  count,
  flag,
  implementing,
  integer,
  oneOf,
  positiveMilliseconds,
  type Rule,
  type Rules,
  text,
} from '../../options/rules.ts';
import type { LogLevel } from './log-level.ts';
import type { LogFields, LoggerPort } from './logger.ts';

/** Options of a logger. */
export interface LoggerOptions {
  /** Which program or part writes; default `app`. */
  readonly name?: string | undefined;
  /** The least level that is written, or `off`; default `info`. */
  readonly level?: LogLevel | 'off' | undefined;
  /** Lines of JSON, or lines for people; default `auto`: for people where they go to a terminal. */
  readonly format?: 'json' | 'terminal' | 'auto' | undefined;
  /** Takes each line, without its end; default: the standard output of the process, or the console. */
  readonly write?: ((line: string) => void) | undefined;
  /** A logger that takes the lines instead, as data: pino, winston, the console. It has its own form, level and time. */
  readonly port?: LoggerPort | undefined;
  /** Fields that every line carries. Default: none. */
  readonly fields?: LogFields | undefined;
  /**
   * Tells what belongs to the work that is under way, for each line: `logContext` of `breakwater/correlation`. Default:
   * nothing.
   */
  readonly context?: (() => LogFields | undefined) | undefined;
  /** Takes out what is secret; default: what every redactor of `breakwater/errors` takes out. */
  readonly redactor?: Redactor | undefined;
  /** The application's own errors, so that their categories are told; default: the library's alone. */
  readonly catalog?: ErrorCatalog | undefined;
  /** Whether errors are told with their stacks, as `error.trace`; default false. */
  readonly stacks?: boolean | undefined;
  /** How many equal lines (level, logger and message) are written within `repeatWindowMs`, at least 1; default 100. */
  readonly maxRepeats?: number | undefined;
  /** The span in milliseconds in which repeated lines are counted, above 0; default 10,000. */
  readonly repeatWindowMs?: number | undefined;
  /** How many characters a line has at most, at least 1,000; default 65,536. A longer one loses its extras. */
  readonly maxLineLength?: number | undefined;
  /** Where the time comes from; default: the system. */
  readonly clock?: Clock | undefined;
}

/** The defaults of a logger. */
export const loggerDefaults: {
  readonly name: string;
  readonly level: LogLevel;
  readonly format: 'auto';
  readonly stacks: boolean;
  readonly maxRepeats: number;
  readonly repeatWindowMs: number;
  readonly maxLineLength: number;
} = Object.freeze({
  name: 'app',
  level: 'info',
  format: 'auto',
  stacks: false,
  maxRepeats: 100,
  repeatWindowMs: 10_000,
  maxLineLength: 65_536,
});

const plainObject: Rule<LogFields> = {
  expected: 'an object',
  accepts: (value: unknown): value is LogFields => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** Options of a logger, complete. */
export type ResolvedLoggerOptions = Resolved<LoggerOptions, typeof loggerDefaults>;

/** What each option of a logger may be. */
export const loggerRules: Rules<LoggerOptions> = Object.freeze({
  name: text(),
  level: oneOf('debug', 'info', 'warn', 'error', 'off'),
  format: oneOf('json', 'terminal', 'auto'),
  write: callable<(line: string) => void>(),
  port: implementing<LoggerPort>('a logger', 'debug', 'info', 'warn', 'error'),
  fields: plainObject,
  context: callable<() => LogFields | undefined>(),
  redactor: implementing<Redactor>('a redactor', 'text', 'value'),
  catalog: implementing<ErrorCatalog>('a catalog of errors', 'classify', 'presentation'),
  stacks: flag(),
  maxRepeats: count(1),
  repeatWindowMs: positiveMilliseconds(),
  maxLineLength: integer(1_000),
  clock: implementing<Clock>('a clock', 'now', 'wallTime', 'setTimer'),
});
