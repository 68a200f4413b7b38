import type { MeterPort, TracerPort, TracingApi } from 'breakwater/telemetry';

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
