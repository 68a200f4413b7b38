import { ConfigurationError } from '../../errors/configuration-error.ts';
import { describe } from '../../options/resolve.ts';
import type { EventEnvelope } from '../../events/event.ts';
import type { EventTeller } from '../event-teller.ts';
import { type BatchSource, traceBatches } from './batch-trace.ts';
import type { Spans } from './spans.ts';
import type { SpanAttributes } from './tracer.ts';

/**
 * A cache, connection pool, worker pool, rate limiter or performance monitor: something that tells what has taken how long;
 * or a batcher, whose batches can be watched.
 */
export type TracedSource =
  | BatchSource
  | ({ readonly name?: string } & (EventTeller | { readonly events: EventTeller }));

type TimedEvent = EventEnvelope & { readonly waitedMs?: number; readonly error?: unknown; readonly operation?: string };

/** What becomes a span: the event, and how the span is called. Each is told once what it is about has ended. */
const spanNames: Readonly<Record<string, string>> = Object.freeze({
  'cache-load': 'load',
  'cache-load-failed': 'load',
  'resource-created': 'create',
  'resource-acquired': 'acquire',
  'acquire-failed': 'acquire',
  'task-ended': 'task',
  'limit-admitted': 'wait',
  'limit-refused': 'wait',
  'slow-operation': 'slow operation',
});

/**
 * Makes spans of what `source` tells, in the surroundings in which it tells it.
 *
 * @param failed Told what the tracer throws while a batch goes on.
 */
export function traceSource(source: TracedSource, spans: Spans, failed: (error: unknown) => void): () => void {
  if ('watchBatches' in source) return traceBatches(source, spans, failed);
  const teller = 'on' in source ? source : source.events;
  if (typeof teller?.on !== 'function') {
    const expected = 'a cache, pool, limiter, batcher or monitor: something that tells events';
    throw new ConfigurationError([{ path: 'tracing.watch', expected, received: describe(source) }]);
  }
  const stops = Object.entries(spanNames).map(([type, what]) =>
    teller.on(type as never, ((event: TimedEvent) => record(event, what, source.name, spans)) as never),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

function record(event: TimedEvent, what: string, source: string | undefined, spans: Spans): void {
  const tookMs = event.durationMs ?? event.waitedMs ?? 0;
  // A loan without a wait is no time that anybody spent; of what others made nobody knows how long it took.
  if (Number.isNaN(tookMs) || (event.type === 'resource-acquired' && tookMs === 0)) return;
  const name = event.policy ?? source ?? event.operation;
  const attributes: SpanAttributes = { 'event.name': event.type };
  if (name !== undefined) attributes['source.name'] = spans.clean(name);
  const startTime = event.timestamp - tookMs;
  const span = spans.begin(name === undefined ? what : `${name} ${what}`, { attributes, startTime }, spans.active);
  if (event.error !== undefined) spans.fail(span, event.error);
  span.end(event.timestamp);
}
