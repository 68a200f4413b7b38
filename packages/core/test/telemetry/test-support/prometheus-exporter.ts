import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { MeterPort } from 'breakwater/telemetry';

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
