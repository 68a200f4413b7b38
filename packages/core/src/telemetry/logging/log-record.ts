import type { ErrorCatalog } from '../../errors/catalog.ts';
import { errorLogEntry } from '../../errors/error-output.ts';
import type { Redactor } from '../../errors/redactor.ts';
import type { LogFields } from './logger.ts';
import type { LogLevel } from './log-level.ts';

/** A line before it is written: redacted plain data. */
export interface LogRecord {
  /** ISO 8601, in UTC. */
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly logger: string;
  readonly message: string;
  readonly correlation_id?: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  /** What is known of the error: its kind, its messages and those of its causes. */
  readonly error?: unknown;
  /** All else that was said. */
  readonly [extra: string]: unknown;
}

/** What a record is made of. */
export interface RecordParts {
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly logger: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** How errors are told, and what is taken out. */
export interface RecordRules {
  readonly redactor: Redactor;
  readonly catalog: ErrorCatalog | undefined;
  readonly stacks: boolean;
}

/** Names that have a place of their own: something else by that name becomes `field_NAME`. */
const OWN = new Set(['timestamp', 'level', 'logger', 'message']);
const IDENTITY: readonly (readonly [string, RegExp])[] = [
  ['correlation_id', /^[\x21-\x7e]{1,128}$/],
  ['trace_id', /^[\da-f]{32}$/],
  ['span_id', /^[\da-f]{16}$/],
];
const untouched: Redactor = { text: (text) => text, value: (value) => value };

/** Makes a record: everything is redacted at once, so that what is secret in one place is found in the others. */
export function logRecord({ timestamp, level, logger, message, fields }: RecordParts, rules: RecordRules): LogRecord {
  const extras: Record<string, unknown> = {};
  const identity: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || name === 'error') continue;
    if (IDENTITY.some(([known, form]) => name === known && typeof value === 'string' && form.test(value)))
      identity[name] = value;
    else put(extras, OWN.has(name) ? `field_${name}` : name, value);
  }
  const { error } = fields;
  const said = {
    message,
    correlation: identity['correlation_id'],
    error: error === undefined ? undefined : told(error, rules),
    extras,
  };
  const clean = rules.redactor.value(said) as {
    readonly message: string;
    readonly correlation?: string;
    readonly error?: unknown;
    readonly extras: Readonly<Record<string, unknown>>;
  };
  const record: Record<string, unknown> = { timestamp, level, logger, message: clean.message };
  if (clean.correlation !== undefined) record['correlation_id'] = clean.correlation;
  // What has the form of such an id holds nothing else; redacted, one in some thousands would look like a card number.
  for (const name of ['trace_id', 'span_id']) if (identity[name] !== undefined) record[name] = identity[name];
  if (error !== undefined) record['error'] = clean.error;
  for (const [name, value] of Object.entries(clean.extras)) put(record, name, value);
  return record as unknown as LogRecord;
}

/** Sets a name that comes from outside: `__proto__` is data too. */
function put(record: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
}

/** What is told of an error, not yet redacted. */
function told(error: unknown, { catalog, stacks }: RecordRules): Readonly<Record<string, unknown>> {
  const {
    context: _none,
    details,
    causes,
    ...entry
  } = errorLogEntry(error, undefined, { catalog, redactor: untouched });
  const stack = stacks && error instanceof Error ? error.stack : undefined;
  return {
    ...entry,
    ...(Object.keys(details).length > 0 && { details }),
    ...(causes.length > 0 && { causes }),
    // Under another name, since a redactor leaves stacks out wherever it meets them.
    ...(typeof stack === 'string' && { trace: stack }),
  };
}
