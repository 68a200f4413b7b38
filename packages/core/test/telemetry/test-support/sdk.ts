import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { MeterPort, TracerPort, TracingApi } from 'breakwater/telemetry';
import { exportedMetrics, exportedSpan, type MetricsShape, type SpanShape } from './exported.ts';

/** What an exporter was given of a span. */
export interface ExportedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes?: Readonly<Record<string, unknown>> }[];
  readonly links: readonly { readonly spanId: string; readonly cause: unknown }[];
  /** 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message?: string };
  readonly durationMs: number;
}

/** What an exporter was given of a metric. */
export interface ExportedMetric {
  readonly name: string;
  readonly unit: string;
  readonly points: readonly { readonly attributes: Readonly<Record<string, unknown>>; readonly value: unknown }[];
}

/** A real SDK with its exporters in memory. */
export interface Sdk {
  readonly meter: MeterPort;
  readonly tracer: TracerPort;
  readonly api: TracingApi;
  /** Has the reader collect and export; gives what the exporter got. */
  metrics(): Promise<readonly ExportedMetric[]>;
  spans(): Promise<readonly ExportedSpan[]>;
  close(): Promise<void>;
}

/** What a real SDK is made of, whatever its version: what a program passes on fits these shapes as it is, without a cast. */
export interface SdkParts {
  readonly api: TracingApi;
  readonly metricExporter: { getMetrics(): readonly MetricsShape[]; reset(): void };
  readonly reader: { forceFlush(): Promise<void> };
  readonly meters: { getMeter(name: string): MeterPort; shutdown(): Promise<void> };
  readonly spanExporter: { getFinishedSpans(): readonly SpanShape[] };
  readonly tracers: { getTracer(name: string): TracerPort; forceFlush(): Promise<void>; shutdown(): Promise<void> };
}

/** An SDK with surroundings of its own: those of the module are the whole process's. */
export function sdkOf({ api, metricExporter, reader, meters, spanExporter, tracers }: SdkParts): Sdk {
  const context = new AsyncLocalStorageContextManager().enable();
  return {
    meter: meters.getMeter('breakwater'),
    tracer: tracers.getTracer('breakwater'),
    api: { ...api, context },
    metrics: async () => {
      metricExporter.reset();
      await reader.forceFlush();
      return exportedMetrics(metricExporter.getMetrics());
    },
    spans: async () => {
      await tracers.forceFlush();
      return spanExporter.getFinishedSpans().map((span) => exportedSpan(span));
    },
    close: async () => {
      context.disable();
      await meters.shutdown();
      await tracers.shutdown();
    },
  };
}
