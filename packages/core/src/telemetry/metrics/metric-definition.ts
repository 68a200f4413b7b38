import type { LabelName } from './labels.ts';

/** What is measured: one row of the table in docs/operations/metrics.md. */
export interface MetricDefinition {
  /**
   * `counter` adds up, `histogram` keeps a distribution, `gauge` is what is there now; so is `up-down counter`, of which a
   * semantic convention says that it adds up over processes.
   */
  readonly kind: 'counter' | 'histogram' | 'gauge' | 'up-down counter';
  /** The name in OpenTelemetry: a semantic convention where there is one, otherwise as Polly names it; undefined where another row says it. */
  readonly openTelemetry: string | undefined;
  /** The name in Prometheus: that of resilience4j or Micrometer where they have it. */
  readonly prometheus: string;
  /** The unit in OpenTelemetry. In Prometheus, times are in seconds. */
  readonly unit: string;
  readonly labels: readonly LabelName[];
  readonly description: string;
  /** True where it is read from what something counts anyway, when somebody collects: it costs a call nothing. */
  readonly observed: boolean;
  /** How what several policies of one name have makes one number: their `sum` (default), or the `max`imum. */
  readonly combine?: 'max';
  /** The upper bounds of a histogram's buckets, in the unit of the library; default: those for the durations of requests. */
  readonly buckets?: readonly number[];
  /** What a value is multiplied by in Prometheus, beside milliseconds that become seconds. */
  readonly prometheusScale?: number;
}

/** What is said of a metric beside its kind, names, labels and description. */
type Given = Omit<MetricDefinition, 'observed' | 'kind' | 'openTelemetry' | 'prometheus' | 'description' | 'labels'>;

/** A row of the catalog. */
export function metric(
  kind: MetricDefinition['kind'],
  [openTelemetry, prometheus]: readonly [string | undefined, string],
  labels: readonly LabelName[],
  description: string,
  given: Given & { readonly observed?: boolean },
): MetricDefinition {
  return Object.freeze({
    kind,
    openTelemetry,
    prometheus,
    labels: Object.freeze(labels),
    description,
    ...given,
    observed: given.observed ?? true,
  });
}

/** A metric that is told as it happens. */
export const TOLD: { readonly observed: false } = Object.freeze({ observed: false });
