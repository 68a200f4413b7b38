import type { LabelValue } from './bounded-series.ts';
import type { MetricName } from './catalog.ts';

/** Takes what was read: the value of a metric, and its labels in the order of the catalog. */
export type Report = (metric: MetricName, value: number, ...labels: readonly LabelValue[]) => void;
