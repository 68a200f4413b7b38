/** The shapes of OpenTelemetry's tracing API, as far as they are used: any of its versions from 1.3 on has them. */

/** What is told of a span beside its name. */
export type SpanAttributes = Record<string, string | number | boolean>;

/** What leaves a process of a span. */
export interface SpanContextPort {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly isRemote?: boolean;
  readonly traceState?: { serialize(): string };
}

/** Another span that has to do with one, without being its parent. */
export interface LinkPort {
  readonly context: Pick<SpanContextPort, 'traceId' | 'spanId' | 'traceFlags'>;
  readonly attributes?: SpanAttributes;
}

/** A span. */
export interface SpanPort {
  spanContext(): SpanContextPort;
  setAttribute(name: string, value: string | number | boolean): unknown;
  addEvent(name: string, attributes?: SpanAttributes): unknown;
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  end(endTime?: number): void;
}

/** What is told of a span as it begins. */
export interface SpanStart {
  readonly attributes?: SpanAttributes;
  readonly links?: LinkPort[];
  /** Whether it begins a trace of its own, whatever surrounds it. */
  readonly root?: boolean;
  /** By the wall clock, in milliseconds. */
  readonly startTime?: number;
}

/** Makes spans: what `trace.getTracer(…)` gives. */
export interface TracerPort {
  startSpan(name: string, options?: SpanStart, context?: unknown): SpanPort;
}

/** What is needed of the module `@opentelemetry/api` itself: `import * as api from '@opentelemetry/api'`. */
export interface TracingApi {
  readonly context: {
    active(): unknown;
    with<R>(context: never, fn: () => R): R;
  };
  readonly trace: {
    setSpan(context: never, span: never): unknown;
    getSpan(context: never): SpanPort | undefined;
    setSpanContext(context: never, spanContext: never): unknown;
  };
  /** Reads a `tracestate` header; without it none is passed on. */
  createTraceState?(text: string): { serialize(): string };
}

/** The status of a span that failed. */
export const STATUS_ERROR = 2;
