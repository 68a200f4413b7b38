import type { BoundedSeries, LabelValue } from './bounded-series.ts';
import { metricCatalog, type MetricName } from './catalog.ts';
import { metricLabels } from './labels.ts';
import type { BatchResultPort, InstrumentOptions, MeterPort, MetricAttributes, ObservablePort } from './meter.ts';
import type { MetricDefinition } from './metric-definition.ts';
import type { MetricNaming } from './naming.ts';
import type { SeriesBook } from './series-book.ts';

/** From 5 ms to 10 s: what OpenTelemetry advises for the durations of requests. */
const REQUEST_BUCKETS_MS: readonly number[] = [
  5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
];

/** A metric that is told as it happens. */
export interface ToldMetric {
  readonly series: BoundedSeries;
  /** Adds to a counter, or records a value: times in milliseconds. */
  put(value: number, attributes: MetricAttributes): void;
}

/** The instruments of the catalog on one meter. */
export class Instruments {
  private readonly told: Map<MetricName, ToldMetric> = new Map();
  private readonly observed: Map<MetricName, ObservedMetric> = new Map();
  private readonly meter: MeterPort;
  private readonly observe: (result: BatchResultPort) => void;

  /** @param read Reports all observed metrics; called when somebody collects. */
  constructor(meter: MeterPort, naming: MetricNaming, book: SeriesBook, read: () => void) {
    this.meter = meter;
    for (const [name, definition] of Object.entries(metricCatalog) as [MetricName, MetricDefinition][]) {
      const called = naming.nameOf(definition);
      if (called === undefined) continue;
      const series = book.open(
        called,
        definition.labels.map((label) => naming.labelOf(metricLabels[label])),
      );
      const scale = naming.scaleOf(definition);
      const options = { description: definition.description, unit: naming.unitOf(definition) };
      if (definition.observed)
        this.observed.set(name, observedMetric(meter, called, options, definition, series, scale));
      else this.told.set(name, toldMetric(meter, called, options, definition, series, scale));
    }
    this.observe = (result) => {
      read();
      for (const metric of this.observed.values()) metric.flush(result);
    };
    meter.addBatchObservableCallback(this.observe, this.observables());
  }

  /** A metric that is told as it happens; undefined where the naming does without it. */
  of(name: MetricName): ToldMetric | undefined {
    return this.told.get(name);
  }

  /** Takes what was read of an observed metric. */
  report(name: MetricName, value: number, labels: readonly LabelValue[]): void {
    this.observed.get(name)?.add(value, labels);
  }

  close(): void {
    this.meter.removeBatchObservableCallback(this.observe, this.observables());
  }

  private observables(): ObservablePort[] {
    return Array.from(this.observed.values(), ({ instrument }) => instrument);
  }
}

function toldMetric(
  meter: MeterPort,
  name: string,
  options: InstrumentOptions,
  { kind, buckets = REQUEST_BUCKETS_MS }: MetricDefinition,
  series: BoundedSeries,
  scale: number,
): ToldMetric {
  if (kind === 'counter') {
    const counter = meter.createCounter(name, options);
    return { series, put: (value, attributes) => counter.add(value, attributes) };
  }
  const explicitBucketBoundaries = buckets.map((bound) => bound * scale);
  const histogram = meter.createHistogram(name, { ...options, advice: { explicitBucketBoundaries } });
  return { series, put: (value, attributes) => histogram.record(value * scale, attributes) };
}

function observedMetric(
  meter: MeterPort,
  name: string,
  options: InstrumentOptions,
  { kind, combine }: MetricDefinition,
  series: BoundedSeries,
  scale: number,
): ObservedMetric {
  return new ObservedMetric(observable(meter, name, options, kind), series, scale, combine ?? 'sum');
}

function observable(
  meter: MeterPort,
  name: string,
  options: InstrumentOptions,
  kind: MetricDefinition['kind'],
): ObservablePort {
  if (kind === 'counter') return meter.createObservableCounter(name, options);
  if (kind === 'gauge') return meter.createObservableGauge(name, options);
  return meter.createObservableUpDownCounter(name, options);
}

/** What was read of one metric since the last collection: two policies of one name make one number. */
class ObservedMetric {
  readonly instrument: ObservablePort;
  private readonly series: BoundedSeries;
  private readonly scale: number;
  private readonly combine: 'sum' | 'max';
  private readonly values: Map<MetricAttributes, number> = new Map();

  constructor(instrument: ObservablePort, series: BoundedSeries, scale: number, combine: 'sum' | 'max') {
    this.instrument = instrument;
    this.series = series;
    this.scale = scale;
    this.combine = combine;
  }

  add(value: number, labels: readonly LabelValue[]): void {
    const attributes = this.series.of(...labels);
    const before = this.values.get(attributes);
    const scaled = value * this.scale;
    if (before === undefined) this.values.set(attributes, scaled);
    else this.values.set(attributes, this.combine === 'sum' ? before + scaled : Math.max(before, scaled));
  }

  flush(result: BatchResultPort): void {
    for (const [attributes, value] of this.values) result.observe(this.instrument, value, attributes);
    this.values.clear();
  }
}
