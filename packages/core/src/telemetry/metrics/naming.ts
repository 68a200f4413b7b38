import type { MetricDefinition } from './metric-definition.ts';
import type { LabelNames } from './labels.ts';

/** How metrics and labels are called, and in which units: {@link openTelemetryNames} or {@link resilience4jNames}. */
export interface MetricNaming {
  /** The name of a metric; undefined where this naming does without it. */
  nameOf(metric: MetricDefinition): string | undefined;
  /** The name of a label; undefined where this naming does without it. */
  labelOf(label: LabelNames): string | undefined;
  unitOf(metric: MetricDefinition): string;
  /** What a value inside the library (times in milliseconds) is multiplied by. */
  scaleOf(metric: MetricDefinition): number;
}

const isTime = ({ unit }: MetricDefinition): boolean => unit === 'ms' || unit === 's';

/** Semantic conventions where there are some, otherwise the names that Polly's users know. */
export const openTelemetryNames: MetricNaming = Object.freeze({
  nameOf: ({ openTelemetry }: MetricDefinition) => openTelemetry,
  labelOf: ({ openTelemetry }: LabelNames) => openTelemetry,
  unitOf: ({ unit }: MetricDefinition) => unit,
  scaleOf: ({ unit }: MetricDefinition) => (unit === 's' ? 0.001 : 1),
});

/** For Prometheus: the names that users of resilience4j and Micrometer know; times in seconds. */
export const resilience4jNames: MetricNaming = Object.freeze({
  nameOf: ({ prometheus }: MetricDefinition) => prometheus,
  labelOf: ({ resilience4j }: LabelNames) => resilience4j,
  unitOf: (metric: MetricDefinition) => (isTime(metric) ? 's' : metric.unit),
  scaleOf: (metric: MetricDefinition) => (isTime(metric) ? 0.001 : 1) * (metric.prometheusScale ?? 1),
});
