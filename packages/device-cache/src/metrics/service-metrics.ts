/** What `/metrics` says: the service's own numbers, and those that the library keeps of the parts it is made of. */
import {
  collectMetrics,
  type HistogramPort,
  type MetricsCollector,
  type MetricSource,
  type PrometheusRegistry,
  prometheusRegistry,
  resilience4jNames,
} from 'breakwater/telemetry';
import { type CountedName, countedMetrics, METRIC_PREFIX, timedMetrics } from './catalog.ts';
import { Counters } from './counters.ts';

/** Upper bounds of the times of the store, in seconds: from a page in memory to its timeout. */
const STORE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class ServiceMetrics {
  /** What the service counts by itself. */
  readonly counters: Counters = new Counters();
  /** How long operations of the store took, in seconds. */
  readonly storeTimes: HistogramPort;
  private readonly registry: PrometheusRegistry;
  private readonly collector: MetricsCollector;

  constructor() {
    this.registry = prometheusRegistry();
    for (const name of Object.keys(countedMetrics) as CountedName[]) this.show(name);
    this.storeTimes = this.registry.createHistogram(`${METRIC_PREFIX}store_operation_seconds`, {
      description: timedMetrics.store_operation_seconds.description,
      unit: 's',
      advice: { explicitBucketBoundaries: STORE_BUCKETS },
    });
    this.collector = collectMetrics({ meter: this.registry, naming: resilience4jNames });
  }

  /** Says from now on what these count. */
  watch(...sources: readonly MetricSource[]): void {
    this.collector.watch(...sources);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** Everything, in the text format of Prometheus. */
  text(): string {
    return this.registry.text();
  }

  close(): void {
    this.collector.close();
  }

  private show(name: CountedName): void {
    const { kind, labels, description } = countedMetrics[name];
    // What has no labels is there from the beginning: a rate needs a zero to begin with.
    if (labels.length === 0) this.counters.cell(name, {});
    const options = { description };
    const instrument =
      kind === 'counter'
        ? this.registry.createObservableCounter(`${METRIC_PREFIX}${name}`, options)
        : this.registry.createObservableGauge(`${METRIC_PREFIX}${name}`, options);
    instrument.addCallback((result) => {
      for (const { labels: of, cell } of this.counters.seriesOf(name)) result.observe(cell.value, of);
    });
  }
}
