import type { BatchWatch, BatchWatcher, DepartingBatch } from '../../policy/batch-watcher.ts';
import type { Failure } from '../../policy/outcome.ts';
import type { Spans } from './spans.ts';
import type { LinkPort, SpanAttributes, SpanPort } from './tracer.ts';

/** A batcher: something whose batches can be watched. */
export interface BatchSource {
  readonly name?: string;
  watchBatches(watcher: BatchWatcher): () => void;
}

/** How many spans a batch is linked to at most: as many as OpenTelemetry's SDK keeps of one span. */
const MOST_LINKS = 128;

/** Makes a span of each batch of `source`; `failed` is told what the tracer throws. */
export function traceBatches(source: BatchSource, spans: Spans, failed: (error: unknown) => void): () => void {
  const name = source.name === undefined ? undefined : spans.clean(source.name);
  return source.watchBatches(() => new BatchTrace(name, spans, failed));
}

/**
 * The span of one batch, linked to the spans whose loads it carries. Where all of them are of one trace it is part of that,
 * as a child of the first; otherwise it begins a trace of its own, since a span has one parent.
 */
class BatchTrace implements BatchWatch {
  private readonly name: string | undefined;
  private readonly spans: Spans;
  private readonly failed: (error: unknown) => void;
  private readonly links: Map<string, LinkPort> = new Map();
  /** What surrounded the first load, and its trace. */
  private first: { readonly surroundings: unknown; readonly traceId: string | undefined } | undefined = undefined;
  private isMixed = false;
  private span: SpanPort | undefined = undefined;

  constructor(name: string | undefined, spans: Spans, failed: (error: unknown) => void) {
    this.name = name;
    this.spans = spans;
    this.failed = failed;
  }

  joined(): void {
    this.attempt(() => {
      const { active: surroundings, activeSpan } = this.spans;
      const context = activeSpan?.spanContext();
      this.first ??= { surroundings, traceId: context?.traceId };
      if (context?.traceId !== this.first.traceId) this.isMixed = true;
      if (context === undefined || this.links.size === MOST_LINKS) return;
      this.links.set(context.spanId, { context, attributes: { 'link.cause': 'load' } });
    });
  }

  run<R>(batch: DepartingBatch, run: () => R): R {
    const surroundings = this.attempt(() => this.begin(batch));
    return surroundings === undefined ? run() : this.spans.run(surroundings, run, this.failed);
  }

  ended(failed: number, failure: Failure | undefined): void {
    const { span } = this;
    if (span === undefined) return;
    this.attempt(() => {
      if (failed > 0) span.setAttribute('batch.failed_keys', failed);
      if (failure !== undefined) this.spans.fail(span, failure.error);
    });
    this.attempt(() => span.end());
  }

  /** Begins the span; gives the surroundings for the batch function. */
  private begin({ size, reason, waitedMs }: DepartingBatch): unknown {
    const attributes: SpanAttributes = { 'batch.size': size, 'batch.reason': reason, 'batch.waited_ms': waitedMs };
    if (this.name !== undefined) attributes['source.name'] = this.name;
    const surroundings = this.first?.surroundings ?? this.spans.active;
    const start = { attributes, links: [...this.links.values()], root: this.isMixed };
    this.span = this.spans.begin(this.name === undefined ? 'batch' : `${this.name} batch`, start, surroundings);
    return this.spans.within(this.span, surroundings);
  }

  /** Does something with the tracer; what that throws is told, and the batch goes on. */
  private attempt<R>(action: () => R): R | undefined {
    try {
      return action();
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }
}
