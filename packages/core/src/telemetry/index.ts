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
export type { BatchSource } from './tracing/batch-trace.ts';
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
export { createLogger, sharedLogger } from './logging/create-logger.ts';
export type { LogFields, Logger, LoggerPort, LogStatistics } from './logging/logger.ts';
export type { LogLevel } from './logging/log-level.ts';
export { loggerDefaults, type LoggerOptions } from './logging/options.ts';
export { logEvents, type LogEventsOptions } from './logging/log-events.ts';
export { logOperation, type LogOperationOptions } from './logging/log-operation.ts';
export { healthChecks } from './health/health-checks.ts';
export type {
  HealthChangedEvent,
  HealthCheck,
  HealthCheckContext,
  HealthCheckReport,
  HealthChecks,
  HealthEvents,
  HealthFinding,
  HealthProbe,
  HealthProbeKind,
  HealthReport,
  HealthStatus,
} from './health/health.ts';
export { healthChecksDefaults, type HealthChecksOptions } from './health/options.ts';
export {
  healthThresholdsDefaults,
  thresholdCheck,
  type HealthLimits,
  type HealthMeasures,
  type HealthThresholds,
} from './health/thresholds.ts';
export {
  callHealth,
  callHealthDefaults,
  limiterCheck,
  loadCheck,
  type AskedLimiter,
  type CallHealth,
  type CallHealthOptions,
  type LimiterAnswer,
} from './health/call-health.ts';
export { alertRules } from './alerts/alert-rules.ts';
export type {
  AlertAggregate,
  AlertClearedEvent,
  AlertEvents,
  AlertFiredEvent,
  AlertRule,
  Alerts,
  AlertState,
  AlertStatus,
} from './alerts/alert.ts';
export { alertRuleDefaults, alertRulesDefaults, type AlertRulesOptions } from './alerts/options.ts';
export { statusPage, type StatusPage, type StatusPageEvents } from './status-page/status-page.ts';
export { statusPageDefaults, type StatusPageOptions } from './status-page/options.ts';
export type { StatusCommandEvent } from './status-page/commands.ts';
export type {
  ListedPipeline,
  ListedPolicy,
  StatusAlerts,
  StatusBatcher,
  StatusCache,
  StatusConnections,
  StatusHealth,
  StatusLimiter,
  StatusMonitor,
  StatusRegistry,
  StatusWorkers,
  WatchedPipeline,
} from './status-page/registry-port.ts';
export type { FastifyReplyShape, FastifyRequestShape, NodeRequest, NodeResponse } from './status-page/server-ports.ts';
export type {
  CallsView,
  Fact as StatusFact,
  Meter as StatusMeter,
  NoticeView,
  OperationView,
  PartView,
  PipelineView,
  PolicyView,
  StatusView,
  Tone as StatusTone,
} from './status-page/view.ts';
