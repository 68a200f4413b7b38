import { escapedJson, visible } from './escape.ts';
import type { LogLevel } from './log-level.ts';
import type { LogRecord } from './log-record.ts';

/** A record as one line of JSON. One that would be longer than `maxLength` keeps what it is about, and tells its length. */
export function jsonLine(record: LogRecord, maxLength: number): string {
  const line = escapedJson(JSON.stringify(record));
  if (line.length <= maxLength) return line;
  return escapedJson(JSON.stringify(shortened(record, line.length, maxLength)));
}

/** A record as one line for a terminal. */
export function terminalLine(record: LogRecord, maxLength: number, colours: boolean): string {
  const { timestamp, level, logger, message, error, ...extras } = record;
  const paint = (code: string, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const pairs = Object.entries(extras).map(([name, value]) => `${paint('2', `${visible(name)}=`)}${shownValue(value)}`);
  const parts = [
    paint('2', timestamp.slice(11, 23)),
    paint(COLOURS[level], level.toUpperCase().padEnd(5)),
    paint('1', visible(logger)),
    visible(message),
    ...(error === undefined ? [] : [paint('31', visible(errorText(error)))]),
    ...pairs,
  ];
  const line = parts.join(' ');
  return line.length <= maxLength ? line : `${cut(line, maxLength)}${colours ? '\u001b[0m' : ''}…`;
}

const COLOURS: Readonly<Record<LogLevel, string>> = { debug: '36', info: '32', warn: '33', error: '31' };

/** A word as it is; anything else as JSON, so that it can't be taken for two fields. */
function shownValue(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@+-]+$/.test(value)) return value;
  return visible(escapedJson(JSON.stringify(value) ?? 'undefined'));
}

function errorText(error: unknown): string {
  const {
    name,
    message,
    code,
    causes = [],
  } = Object(error) as {
    readonly name?: string;
    readonly message?: string;
    readonly code?: string;
    readonly causes?: readonly { readonly name: string; readonly message: string }[];
  };
  const why = causes.map((cause) => ` ← ${cause.name}: ${cause.message}`).join('');
  return `${name}: ${message} [${code}]${why}`;
}

function shortened(record: LogRecord, length: number, maxLength: number): object {
  const { timestamp, level, logger, message, correlation_id, trace_id, span_id } = record;
  // An escaped character takes six; what is left for the rest is plenty.
  const room = Math.max(0, Math.floor((maxLength - 600) / 6));
  const ids = { ...(correlation_id && { correlation_id }), ...(trace_id && { trace_id }), ...(span_id && { span_id }) };
  return { timestamp, level, logger: cut(logger, 60), message: cut(message, room), ...ids, shortened_from: length };
}

/** The beginning of a text, no character cut in two. */
function cut(text: string, length: number): string {
  const end = /[\ud800-\udbff]/.test(text.charAt(length - 1)) ? length - 1 : length;
  return text.slice(0, end);
}
