import type { EventSeverity } from '../../events/severities.ts';

/** How much a line matters, by the names of the methods that loggers share. */
export type LogLevel = EventSeverity;

/** From the least on. */
const LOG_LEVELS: readonly LogLevel[] = Object.freeze(['debug', 'info', 'warn', 'error']);

/** Whether a line of `level` is to be written where `least` is the least that is. */
export function matters(level: LogLevel, least: LogLevel | 'off'): boolean {
  return least !== 'off' && LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}
