/** What operators look at: how long operations take and how often they fail. */
export {
  OTHER_OPERATIONS,
  performanceMonitor,
  PerformanceMonitor,
  performanceMonitorDefaults,
  sharedMonitor,
  type Measuring,
  type PerformanceJson,
  type PerformanceMonitorEvents,
  type PerformanceMonitorOptions,
  type PerformanceSnapshot,
  type SlowOperationEvent,
} from './performance-monitor.ts';
export type { OperationJson, OperationStatistics } from './operation-statistics.ts';
export type { DisposableWhereKnown } from '../structures/disposable.ts';
export {
  collectMetrics,
  collectMetricsDefaults,
  type CollectMetricsOptions,
  type MetricsCollector,
  type OwnCounter,
  type OwnHistogram,
} from './metrics/collect-metrics.ts';
export { metricCatalog, type MetricName } from './metrics/catalog.ts';
export type { MetricDefinition } from './metrics/metric-definition.ts';
export type { PolicyMetricName } from './metrics/policy-metrics.ts';
export type { SourceMetricName } from './metrics/source-metrics.ts';
export { metricLabels, type LabelName, type LabelNames } from './metrics/labels.ts';
export { type MetricNaming, openTelemetryNames, resilience4jNames } from './metrics/naming.ts';
export type { MetricSource } from './metrics/metric-source.ts';
export type { BatcherShape, CacheShape, LimiterShape, PoolShape, WorkersShape } from './metrics/source-readings.ts';
export type { MeasuredPolicy } from './metrics/policy-readings.ts';
export type { MeasuredPipeline } from './metrics/measured-pipeline.ts';
export type { EventTeller } from './event-teller.ts';
export type {
  BatchResultPort,
  CounterPort,
  HistogramPort,
  InstrumentOptions,
  MeterPort,
  MetricAttributes,
  ObservablePort,
} from './metrics/meter.ts';
export {
  prometheusRegistry,
  prometheusRegistryDefaults,
  type PrometheusRegistry,
  type PrometheusRegistryOptions,
} from './prometheus/registry.ts';
export { tracing, type TraceHeaders, type Tracing, type TracingEvents } from './tracing/tracing.ts';
export { tracingDefaults, type TracingOptions } from './tracing/options.ts';
export type { TracedSource } from './tracing/traced-source.ts';
export type {
  LinkPort,
  SpanAttributes,
  SpanContextPort,
  SpanPort,
  SpanStart,
  TracerPort,
  TracingApi,
} from './tracing/tracer.ts';
