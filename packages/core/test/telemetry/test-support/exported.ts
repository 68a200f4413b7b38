import type { ExportedMetric, ExportedSpan } from './sdk.ts';

/** A finished span, as far as both SDKs agree. */
export interface SpanShape {
  readonly name: string;
  spanContext(): { readonly traceId: string; readonly spanId: string };
  readonly parentSpanContext?: { readonly spanId: string } | undefined;
  readonly attributes: object;
  readonly events: readonly { readonly name: string; readonly attributes?: object | undefined }[];
  readonly links: readonly {
    readonly context: { readonly spanId: string };
    readonly attributes?: object | undefined;
  }[];
  readonly status: { readonly code: number; readonly message?: string | undefined };
  readonly duration: readonly [number, number];
}

/** What was collected, as far as both SDKs agree. */
export interface MetricsShape {
  readonly scopeMetrics: readonly {
    readonly metrics: readonly {
      readonly descriptor: { readonly name: string; readonly unit: string };
      readonly dataPoints: readonly { readonly attributes: object; readonly value: unknown }[];
    }[];
  }[];
}

/** A span as both SDKs give it. */
export function exportedSpan(span: SpanShape): ExportedSpan {
  const { traceId, spanId } = span.spanContext();
  const { name, attributes, events, status } = span;
  return {
    name,
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    attributes: attributes as Record<string, unknown>,
    events: events as ExportedSpan['events'],
    links: span.links.map((link) => ({
      spanId: link.context.spanId,
      cause: (link.attributes as Record<string, unknown> | undefined)?.['link.cause'],
    })),
    status: status as ExportedSpan['status'],
    durationMs: span.duration[0] * 1_000 + span.duration[1] / 1e6,
  };
}

/** Metrics as both SDKs give them. */
export function exportedMetrics(collections: readonly MetricsShape[]): readonly ExportedMetric[] {
  return collections.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.map(({ descriptor: { name, unit }, dataPoints }) => ({
        name,
        unit,
        points: dataPoints.map(({ attributes, value }) => ({
          attributes: attributes as Record<string, unknown>,
          value,
        })),
      })),
    ),
  );
}
