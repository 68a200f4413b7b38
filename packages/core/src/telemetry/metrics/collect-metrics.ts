/**
 * Metrics of pipelines, policies, limiters, caches, pools and batches, on a meter: that of OpenTelemetry, or
 * `prometheusRegistry()`.
 *
 * What they count anyway is read when somebody collects, and costs a call nothing. What only events know (how long a
 * call took, why a breaker opened) is counted as it happens: a collector is a listener like any other. Labels are bounded,
 * and hold no text of an error and nothing of a call but, where that was asked for, its key.
 */
import { defaultRedactor, type Redactor } from '../../errors/redactor.ts';
import { resolveOptions, type Resolved } from '../../options/resolve.ts';
import { flag, implementing, integer, type Rules } from '../../options/rules.ts';
import { BoundedValues } from './bounded-series.ts';
import { EventMetrics } from './event-metrics.ts';
import { Instruments } from './instruments.ts';
import type { InstrumentOptions, MeterPort, MetricAttributes } from './meter.ts';
import { PipelineWatch } from './measured-pipeline.ts';
import { accessTo, type MetricSource, type SourceAccess } from './metric-source.ts';
import { type MetricNaming, openTelemetryNames } from './naming.ts';
import { isPipeline, PolicyReading } from './readings.ts';
import type { Report } from './report.ts';
import { SeriesBook } from './series-book.ts';
import { UserCounter, UserHistogram } from './user-instruments.ts';

/** Options of {@link collectMetrics}. */
export interface CollectMetricsOptions {
  /** Where the instruments are made: `metrics.getMeter('shop')` of OpenTelemetry, or `prometheusRegistry()`. */
  readonly meter: MeterPort;
  /** How metrics are called; default `openTelemetryNames`. For Prometheus: `resilience4jNames`. */
  readonly naming?: MetricNaming | undefined;
  /** Whether calls and attempts are told apart by key; default false: keys are many, and may say too much. */
  readonly keys?: boolean | undefined;
  /** How many keys are told apart, at least 1; default 100. Those beyond share the key `(other)`. */
  readonly maxKeys?: number | undefined;
  /** How many series a metric may have, at least 1; default 1,000. What comes beyond shares a series whose labels are `(other)`. */
  readonly maxSeries?: number | undefined;
  /** Takes out of names and keys what must not leave; default: what the library always takes out. */
  readonly redact?: Redactor | undefined;
}

/** The defaults of {@link collectMetrics}. */
export const collectMetricsDefaults: {
  readonly naming: MetricNaming;
  readonly keys: boolean;
  readonly maxKeys: number;
  readonly maxSeries: number;
} = Object.freeze({ naming: openTelemetryNames, keys: false, maxKeys: 100, maxSeries: 1_000 });

const rules: Rules<CollectMetricsOptions> = Object.freeze({
  meter: implementing<MeterPort>(
    'a meter',
    'createCounter',
    'createUpDownCounter',
    'createHistogram',
    'createObservableCounter',
    'createObservableGauge',
    'createObservableUpDownCounter',
    'addBatchObservableCallback',
    'removeBatchObservableCallback',
  ),
  naming: implementing<MetricNaming>('a naming', 'nameOf', 'labelOf', 'unitOf', 'scaleOf'),
  keys: flag(),
  maxKeys: integer(1),
  maxSeries: integer(1),
  redact: implementing<Redactor>('a redactor', 'text', 'value'),
});

/** A counter of the user's own. */
export interface OwnCounter {
  add(value: number, attributes?: MetricAttributes): void;
}

/** A histogram of the user's own. */
export interface OwnHistogram {
  record(value: number, attributes?: MetricAttributes): void;
}

/** Keeps metrics; see {@link collectMetrics}. */
export interface MetricsCollector {
  /**
   * Measures these from now on; returns what ends that. Watching twice counts once.
   *
   * @throws ConfigurationError when one is nothing that can be watched.
   */
  watch(...sources: readonly MetricSource[]): () => void;
  /** A counter of your own, with the same bound and redaction for its attributes. */
  counter(name: string, options?: InstrumentOptions): OwnCounter;
  /** A histogram of your own, with the same bound and redaction for its attributes. */
  histogram(name: string, options?: InstrumentOptions): OwnHistogram;
  /** How many measurements were folded because labels had too many values, by metric. */
  readonly folded: ReadonlyMap<string, number>;
  /** Watches nothing any more. */
  close(): void;
}

/**
 * Keeps metrics on a meter: `collectMetrics({ meter }).watch(inventory, cache, pool)`.
 *
 * @throws ConfigurationError
 */
export function collectMetrics(options: CollectMetricsOptions): MetricsCollector {
  return new Collector(options);
}

/** A source, what ends listening to it, and how many have asked for it. */
interface Watched {
  readonly access: SourceAccess;
  readonly stop: () => void;
  users: number;
}

class Collector implements MetricsCollector {
  private readonly options: Resolved<CollectMetricsOptions, typeof collectMetricsDefaults>;
  private readonly book: SeriesBook;
  private readonly instruments: Instruments;
  private readonly metrics: EventMetrics;
  private readonly watched: Map<MetricSource, Watched> = new Map();

  constructor(given: CollectMetricsOptions) {
    const options = resolveOptions('collectMetrics', given, collectMetricsDefaults, rules, ['meter']);
    this.options = options;
    this.book = new SeriesBook(options.maxSeries, options.redact ?? defaultRedactor);
    this.instruments = new Instruments(options.meter, options.naming, this.book, () => this.read());
    const keys = options.keys ? new BoundedValues(options.maxKeys) : undefined;
    this.metrics = new EventMetrics(this.instruments, keys, () => this.book.fold('operation.key'));
  }

  get folded(): ReadonlyMap<string, number> {
    return this.book.folded;
  }

  watch(...sources: readonly MetricSource[]): () => void {
    const accesses = sources.map((source) => [source, accessTo(source)] as const);
    for (const [source, access] of accesses) this.begin(source, access);
    let over = false;
    return () => {
      if (!over) for (const source of sources) this.end(source);
      over = true;
    };
  }

  counter(name: string, options: InstrumentOptions = {}): OwnCounter {
    return new UserCounter(this.options.meter.createCounter(name, options), this.book.ofUser(name));
  }

  histogram(name: string, options: InstrumentOptions = {}): OwnHistogram {
    return new UserHistogram(this.options.meter.createHistogram(name, options), this.book.ofUser(name));
  }

  close(): void {
    for (const { stop } of this.watched.values()) stop();
    this.watched.clear();
    this.instruments.close();
  }

  private begin(source: MetricSource, access: SourceAccess): void {
    const watched = this.watched.get(source);
    if (watched !== undefined) {
      watched.users++;
      return;
    }
    const { name } = source as { readonly name?: string };
    const pipeline = isPipeline(source) ? new PipelineWatch(source, this.metrics) : undefined;
    const stop = access.listen((event) => {
      if (pipeline !== undefined) pipeline.hear(event);
      else if (this.metrics.isNew(event)) this.metrics.told(event, { source: name });
    });
    this.watched.set(source, { access, stop, users: 1 });
  }

  private end(source: MetricSource): void {
    const watched = this.watched.get(source);
    if (watched === undefined || --watched.users > 0) return;
    watched.stop();
    this.watched.delete(source);
  }

  private read(): void {
    const report: Report = (metric, value, ...labels) => this.instruments.report(metric, value, labels);
    const reading = new PolicyReading(report);
    for (const { access } of this.watched.values()) access.read(reading, report);
    for (const [metric, count] of this.book.folded) report('folded', count, metric);
  }
}
