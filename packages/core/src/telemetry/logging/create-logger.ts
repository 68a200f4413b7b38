import type { Clock } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import { defaultRedactor } from '../../errors/redactor.ts';
import { resolveOptions } from '../../options/resolve.ts';
import { type LogLevel, matters } from './log-level.ts';
import { lineOutput, type LogOutput, portOutput } from './log-output.ts';
import { logRecord, type RecordParts, type RecordRules } from './log-record.ts';
import type { LogFields, Logger, LoggerPort, LogStatistics } from './logger.ts';
import { type LoggerOptions, loggerDefaults, loggerRules, type ResolvedLoggerOptions } from './options.ts';
import { type AdmittedLine, RepeatLimit } from './repeat-limit.ts';

/**
 * Makes a logger that writes a line of JSON for each message, or hands it to the logger that the program has. Secrets are
 * taken out, control characters escaped, and repeated lines limited.
 *
 * @throws ConfigurationError
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const resolved = resolveOptions('logger', options, loggerDefaults, loggerRules);
  return new WritingLogger(new LineWriter(resolved), resolved.name, resolved.fields ?? {});
}

/** A logger of the library as it is; any other as one that takes the lines of one. */
export function asLogger(logger: Logger | LoggerPort): Logger {
  if (logger instanceof WritingLogger) return logger;
  let made = ofPorts.get(logger);
  if (made === undefined) ofPorts.set(logger, (made = createLogger({ port: logger, level: 'debug' })));
  return made;
}

/** One for each, so that repeated lines are counted together. */
const ofPorts: WeakMap<object, Logger> = new WeakMap();

/** What a logger and its children share. */
class LineWriter {
  readonly level: LogLevel | 'off';
  private readonly clock: Clock;
  private readonly rules: RecordRules;
  private readonly output: LogOutput;
  private readonly repeats: RepeatLimit;
  private readonly context: (() => LogFields | undefined) | undefined;
  private written = 0;
  private failed = 0;

  constructor(options: ResolvedLoggerOptions) {
    const { redactor = defaultRedactor, catalog, stacks, port, format, write, maxLineLength } = options;
    this.level = options.level;
    this.clock = options.clock ?? systemClock;
    this.rules = { redactor, catalog, stacks };
    this.context = options.context;
    this.output = port === undefined ? lineOutput(format, write, maxLineLength) : portOutput(port);
    this.repeats = new RepeatLimit(options, this.clock, (line, repeated) => this.tellRepeated(line, repeated));
  }

  get statistics(): LogStatistics {
    return { written: this.written, suppressed: this.repeats.suppressed, failed: this.failed };
  }

  write(level: LogLevel, logger: string, message: string, bound: LogFields, fields: LogFields | undefined): void {
    this.guarded(() => {
      const line = this.repeats.admit({ level, logger, message });
      if (line === undefined) return;
      const around = this.surroundings();
      // What a line belongs to is not for whoever fills its fields to say.
      const all = { ...around, ...bound, ...fields, ...idsOf(around) };
      line.written = this.put({ level, logger, message, fields: all });
    });
  }

  flush(): void {
    this.repeats.flush();
  }

  private tellRepeated({ level, logger, written }: AdmittedLine, repeated: number): void {
    this.guarded(
      () => void this.put({ level, logger, message: written ?? 'a line that failed', fields: { repeated } }),
    );
  }

  private surroundings(): LogFields | undefined {
    try {
      return this.context?.();
    } catch (error) {
      return { context_failed: error };
    }
  }

  /** Writes a line; gives its message as it was written. */
  private put(parts: Omit<RecordParts, 'timestamp'>): string {
    const timestamp = new Date(this.clock.wallTime()).toISOString();
    const record = logRecord({ ...parts, timestamp }, this.rules);
    this.output(record);
    this.written++;
    return record.message;
  }

  private guarded(write: () => void): void {
    try {
      write();
    } catch {
      // Whoever logs has other things to do than to see why that fails; `statistics` says that it does.
      this.failed++;
    }
  }
}

/** The ids among the fields of what is under way. */
function idsOf(around: LogFields | undefined): LogFields {
  const ids = ['correlation_id', 'trace_id', 'span_id'].filter((name) => around?.[name] !== undefined);
  return Object.fromEntries(ids.map((name) => [name, around?.[name]]));
}

class WritingLogger implements Logger {
  readonly name: string;
  private readonly writer: LineWriter;
  private readonly fields: LogFields;

  constructor(writer: LineWriter, name: string, fields: LogFields) {
    this.writer = writer;
    this.name = name;
    this.fields = fields;
  }

  get statistics(): LogStatistics {
    return this.writer.statistics;
  }

  isEnabled(level: LogLevel): boolean {
    return matters(level, this.writer.level);
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    if (this.isEnabled(level)) this.writer.write(level, this.name, message, this.fields, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.log('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.log('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.log('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.log('error', message, fields);
  }

  child(name: string, fields: LogFields = {}): Logger {
    return new WritingLogger(this.writer, `${this.name}.${name}`, { ...this.fields, ...fields });
  }

  flush(): void {
    this.writer.flush();
  }
}

let shared: Logger | undefined;

/** The logger of the process, for what was given no other: lines on the standard output. */
export function sharedLogger(): Logger {
  return (shared ??= createLogger());
}
