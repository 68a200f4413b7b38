import type { EventEnvelope } from '../../events/event.ts';
import { eventSeverities, severityOf } from '../../events/severities.ts';
import type { AnyEventSource } from '../../policy/policy.ts';
import { asLogger } from './create-logger.ts';
import { type LogLevel, matters } from './log-level.ts';
import type { LogFields, Logger, LoggerPort } from './logger.ts';

/** Options of {@link logEvents}. */
export interface LogEventsOptions {
  /** The least severity of an event that is written; default `info`. */
  readonly level?: LogLevel | undefined;
  /** Events of your own policies to write besides the library's, by type. Default: none. */
  readonly types?: readonly string[] | undefined;
  /** Whether the keys of calls are written: they may well be tokens or addresses. Default false. */
  readonly keys?: boolean | undefined;
}

/**
 * Writes the events of a pipeline, a policy, a cache or a limiter, each by its severity: a line `NAME: TYPE` with what the
 * event carries. Only events that matter are listened to, so that the others go on costing nothing. A value that came too
 * late is not written.
 *
 * @returns What ends it.
 */
export function logEvents(
  source: AnyEventSource,
  logger: Logger | LoggerPort,
  { level = 'info', types = [], keys = false }: LogEventsOptions = {},
): () => void {
  const target = asLogger(logger);
  const listener = (event: EventEnvelope): void => {
    const severity = severityOf(event);
    if (!matters(severity, level) || !target.isEnabled(severity)) return;
    target.log(severity, `${event.pipeline ?? event.policy ?? 'breakwater'}: ${event.type}`, fieldsOf(event, keys));
  };
  const on = source.on.bind(source) as (type: string, listener: (event: EventEnvelope) => void) => () => void;
  const stops = [...typesThatMatter(level), ...types].map((type) => on(type, listener));
  return () => {
    for (const stop of stops) stop();
    target.flush();
  };
}

function typesThatMatter(level: LogLevel): string[] {
  return Object.entries(eventSeverities).flatMap(([type, severity]) => {
    const severities = typeof severity === 'string' ? [severity] : Object.values(severity);
    return severities.some((each) => matters(each, level)) ? [type] : [];
  });
}

function fieldsOf(event: EventEnvelope, keys: boolean): LogFields {
  const { type, timestamp: _now, key, value: _late, ...told } = event as EventEnvelope & { readonly value?: unknown };
  return { event: type, ...told, ...(keys && { key }) };
}
