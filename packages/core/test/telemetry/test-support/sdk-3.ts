/**
 * OpenTelemetry's SDK 3 with API 1.10. Beside it stands SDK 2, for packages/core/test/opentelemetry-sdk-2, and npm puts that
 * where every import from this package finds it first: hence the paths.
 */
import * as api from '../../../../../node_modules/@opentelemetry/api/dist/index.mjs';
import { AsyncLocalStorageContextManager } from '../../../../../node_modules/@opentelemetry/context-async-hooks/dist/index.mjs';
import {
  PrometheusExporter,
  PrometheusSerializer,
} from '../../../../../node_modules/@opentelemetry/exporter-prometheus/dist/index.mjs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '../../../../../node_modules/@opentelemetry/sdk-metrics/dist/index.mjs';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '../../../../../node_modules/@opentelemetry/sdk-trace/dist/index.mjs';
import { exportedMetrics, exportedSpan } from './exported.ts';
import type { Sdk } from './sdk.ts';
import type { MeterPort, TracerPort, TracingApi } from 'breakwater/telemetry';

export function sdk3(): Sdk {
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 });
  const meters = new MeterProvider({ readers: [reader] });
  const spanExporter = new InMemorySpanExporter();
  const tracers = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spanExporter })] });
  const context = new AsyncLocalStorageContextManager().enable();
  // What a program passes: the meter, the tracer and the module as they are, without a cast.
  const meter: MeterPort = meters.getMeter('breakwater');
  const tracer: TracerPort = tracers.getTracer('breakwater');
  const wholeApi: TracingApi = api;
  return {
    meter,
    tracer,
    // The module's own surroundings are those of the process; these are this test's.
    api: { ...wholeApi, context },
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

/** OpenTelemetry's own writer of the text for Prometheus. */
export interface PrometheusText {
  readonly meter: MeterPort;
  text(): Promise<string>;
  close(): Promise<void>;
}

export function prometheusExporter(): PrometheusText {
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  });
  const meters = new MeterProvider({ readers: [exporter] });
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  return {
    meter: meters.getMeter('breakwater'),
    text: async () => serializer.serialize((await exporter.collect()).resourceMetrics),
    close: () => meters.shutdown(),
  };
}
