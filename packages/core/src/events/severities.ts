import type { EventEnvelope, EventOutcome } from './event.ts';

/** How much an event matters, by the names of the methods that loggers share. */
export type EventSeverity = 'debug' | 'info' | 'warn' | 'error';

/**
 * The severity of each event, by its outcome where that decides. `debug`: the usual course of things; `info`: worth
 * knowing; `warn`: something failed and was dealt with; `error`: somebody was not served, or something is broken.
 */
export const eventSeverities: Readonly<
  Record<string, EventSeverity | Readonly<Partial<Record<EventOutcome, EventSeverity>>>>
> = Object.freeze({
  'call-ended': Object.freeze({ success: 'debug', failure: 'error' }),
  'attempt-ended': Object.freeze({ success: 'debug', failure: 'warn' }),
  'late-result': 'info',
  'hook-failed': 'error',
  retry: 'warn',
  'retry-given-up': 'error',
  timeout: 'warn',
  'circuit-opened': 'warn',
  'circuit-half-opened': 'info',
  'circuit-closed': 'info',
  'circuit-isolated': 'warn',
  'circuit-rejected': 'warn',
  'circuit-health-checked': Object.freeze({ success: 'info', failure: 'warn' }),
  'bulkhead-queued': 'debug',
  'bulkhead-rejected': 'warn',
  'rate-limited': Object.freeze({ queued: 'debug', admitted: 'debug', refused: 'warn' }),
  'limit-refused': 'warn',
  'limit-queued': 'debug',
  'limit-admitted': 'debug',
  'limit-updated': 'info',
  'limit-held': 'warn',
  'limit-settled': 'debug',
  'limit-evicted': 'warn',
  'limit-store': 'warn',
  'concurrency-limit-changed': 'info',
  'concurrency-queued': 'debug',
  'concurrency-rejected': 'warn',
  'client-throttled': 'warn',
  'load-shed': 'warn',
  'key-evicted': 'debug',
  'key-refused': 'error',
  fallback: Object.freeze({ success: 'warn', failure: 'error' }),
  hedge: 'info',
  'hedge-attempt-failed': 'warn',
  'hedge-refused': 'warn',
  'hedge-won': 'info',
  'cache-hit': 'debug',
  'cache-miss': 'debug',
  'cache-load': 'debug',
  'cache-load-failed': 'warn',
  'cache-late-load': 'info',
  'cache-removed': 'debug',
  'cache-invalidated': 'debug',
  'cache-tier-failed': 'warn',
  'cache-tier-state': 'warn',
  'cache-poison': 'warn',
  'cache-lost': 'error',
  'cache-bus': 'warn',
  failover: 'warn',
  'endpoint-hedged': 'info',
  'endpoint-ejected': 'error',
  'endpoint-returned': 'info',
  'chaos-injected': 'info',
  'slow-operation': 'warn',
  'task-failed': 'warn',
  'task-late': 'info',
  'task-started': 'debug',
  'task-ended': 'debug',
  'batch-flushed': 'debug',
  'batch-ended': Object.freeze({ success: 'debug', failure: 'warn' }),
  'workers-changed': 'info',
  'resource-created': 'debug',
  'resource-acquired': 'debug',
  'resource-released': 'debug',
  'resource-create-failed': 'warn',
  'resource-unhealthy': 'warn',
  'resource-destroyed': 'debug',
  'resource-destroy-failed': 'warn',
  'acquire-failed': 'error',
  'recovery-retry': 'warn',
  recovered: Object.freeze({ success: 'warn', failure: 'error' }),
  degraded: 'error',
  restored: 'info',
  'dead-letter': 'error',
  'dead-letter-lost': 'error',
  'dead-letters-rerun': 'info',
  'health-changed': 'warn',
  'alert-fired': 'error',
  'alert-cleared': 'info',
  'status-command': 'warn',
});

/** How much an event matters; `info` for one that is not the library's own. */
export function severityOf(event: Pick<EventEnvelope, 'type' | 'outcome'>): EventSeverity {
  if (!Object.hasOwn(eventSeverities, event.type)) return 'info';
  const severity = eventSeverities[event.type]!;
  if (typeof severity === 'string') return severity;
  return (event.outcome === undefined ? undefined : severity[event.outcome]) ?? 'info';
}
