import type { MetricDefinition } from './metric-definition.ts';
import { type PolicyMetricName, policyMetrics } from './policy-metrics.ts';
import { type SourceMetricName, sourceMetrics } from './source-metrics.ts';

/** The name of a metric inside the library. */
export type MetricName = PolicyMetricName | SourceMetricName;

/** All metrics: the rows of the table in docs/operations/metrics.md. */
export const metricCatalog: Readonly<Record<MetricName, MetricDefinition>> = Object.freeze({
  ...policyMetrics,
  ...sourceMetrics,
});
