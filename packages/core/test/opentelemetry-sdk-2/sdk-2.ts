import * as api from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { MeterPort, TracerPort, TracingApi } from 'breakwater/telemetry';
import { AsyncLocalStorageContextManager } from '../../../../node_modules/@opentelemetry/context-async-hooks/dist/index.mjs';
import { exportedMetrics, exportedSpan } from '../telemetry/test-support/exported.ts';
import type { Sdk } from '../telemetry/test-support/sdk.ts';

/** OpenTelemetry's SDK 2 with API 1.9. */
export function sdk2(): Sdk {
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 });
  const meters = new MeterProvider({ readers: [reader] });
  const spanExporter = new InMemorySpanExporter();
  const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] });
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
