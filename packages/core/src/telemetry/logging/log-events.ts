import type { EventEnvelope, EventOutcome } from '../../events/event.ts';
import { onlyOutcome } from '../../events/only-outcome.ts';
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
 * event carries. Only events that matter, and that the logger writes, are listened to, so that the others go on costing nothing. A value that came too
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
  const isWritten = (severity: LogLevel): boolean => matters(severity, level) && target.isEnabled(severity);
  const listener: Listener = (event) => {
    const severity = severityOf(event);
    if (!isWritten(severity)) return;
    target.log(severity, `${event.pipeline ?? event.policy ?? 'breakwater'}: ${event.type}`, fieldsOf(event, keys));
  };
  const on = source.on.bind(source) as (type: string, listener: Listener) => () => void;
  const stops = [
    ...writtenEvents(isWritten).map(([type, only]) => on(type, only(listener))),
    ...types.map((type) => on(type, listener)),
  ];
  return () => {
    for (const stop of stops) stop();
    target.flush();
  };
}

type Listener = (event: EventEnvelope) => void;

/** The events that are written: the type of each, and what keeps its other outcomes from a listener. */
function writtenEvents(
  isWritten: (severity: LogLevel) => boolean,
): readonly (readonly [type: string, only: (listener: Listener) => Listener])[] {
  const all = (listener: Listener): Listener => listener;
  return Object.entries(eventSeverities).flatMap(([type, severity]) => {
    if (typeof severity === 'string') return isWritten(severity) ? [[type, all] as const] : [];
    const outcomes = Object.keys(severity) as EventOutcome[];
    const written = outcomes.filter((outcome) => isWritten(severity[outcome]!));
    if (written.length === outcomes.length) return [[type, all] as const];
    return written.map((outcome) => [type, (listener: Listener) => onlyOutcome(outcome, listener)] as const);
  });
}

function fieldsOf(event: EventEnvelope, keys: boolean): LogFields {
  const { type, timestamp: _now, key, value: _late, ...told } = event as EventEnvelope & { readonly value?: unknown };
  return { event: type, ...told, ...(keys && { key }) };
}
