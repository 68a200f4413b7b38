/**
 * Metrics for Prometheus without an SDK: a meter, as OpenTelemetry's is one, whose instruments are written out in the text
 * format when somebody asks. Whatever makes instruments on a meter can make them here.
 */
import { ConfigurationError } from '../../errors/configuration-error.ts';
import { resolveOptions, type Resolved } from '../../options/resolve.ts';
import { integer, type Rules } from '../../options/rules.ts';
import type {
  BatchResultPort,
  CounterPort,
  HistogramPort,
  InstrumentOptions,
  MeterPort,
  MetricAttributes,
  ObservablePort,
} from '../metrics/meter.ts';
import { Family, type FamilyType } from './family.ts';
import { prometheusName } from './text-format.ts';

/** Options of {@link prometheusRegistry}. */
export interface PrometheusRegistryOptions {
  /** How many series a metric may have, at least 1; default 2,000. What comes beyond shares one, and is counted. */
  readonly maxSeries?: number | undefined;
}

/** The defaults of {@link prometheusRegistry}. */
export const prometheusRegistryDefaults: { readonly maxSeries: number } = Object.freeze({ maxSeries: 2_000 });

const rules: Rules<PrometheusRegistryOptions> = Object.freeze({ maxSeries: integer(1) });

/** OpenTelemetry's bounds where nobody names others. */
const DEFAULT_BOUNDS: readonly number[] = [
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
];

/** What the registry tells of itself. */
const FOLDED = 'breakwater_registry_folded_total';
const FAILED = 'breakwater_registry_failed_callbacks_total';

/** A meter whose instruments Prometheus can read; see {@link prometheusRegistry}. */
export interface PrometheusRegistry extends MeterPort {
  createGauge(name: string, options?: InstrumentOptions): HistogramPort;
  /** What the text is: the value of a `Content-Type` header. */
  readonly contentType: string;
  /** All metrics in the text format. */
  text(): string;
}

/**
 * A registry whose `text()` is what Prometheus scrapes.
 *
 * @throws ConfigurationError
 */
export function prometheusRegistry(options: PrometheusRegistryOptions = {}): PrometheusRegistry {
  return new Registry(options);
}

type ObservableCallback = Parameters<ObservablePort['addCallback']>[0];
type BatchCallback = (result: BatchResultPort) => void;

class Registry implements PrometheusRegistry {
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  private readonly options: Resolved<PrometheusRegistryOptions, typeof prometheusRegistryDefaults>;
  private readonly families: Map<string, Family> = new Map();
  private readonly observed: Set<Observable> = new Set();
  private readonly batches: Set<BatchCallback> = new Set();
  private failedCallbacks = 0;

  constructor(given: PrometheusRegistryOptions) {
    this.options = resolveOptions('prometheusRegistry', given, prometheusRegistryDefaults, rules);
  }

  createCounter(name: string, options?: InstrumentOptions): CounterPort {
    const family = this.family(name, 'counter', options);
    return {
      add: (value: number, attributes?: MetricAttributes) => {
        // As OpenTelemetry has it: what would make a counter fall is not counted.
        if (value >= 0) family.add(value, attributes);
      },
    };
  }

  createUpDownCounter(name: string, options?: InstrumentOptions): CounterPort {
    return this.family(name, 'gauge', options);
  }

  createHistogram(name: string, options?: InstrumentOptions): HistogramPort {
    return this.family(name, 'histogram', options);
  }

  createGauge(name: string, options?: InstrumentOptions): HistogramPort {
    const family = this.family(name, 'gauge', options);
    return { record: (value: number, attributes?: MetricAttributes) => family.set(value, attributes) };
  }

  createObservableCounter(name: string, options?: InstrumentOptions): ObservablePort {
    return this.observable(name, 'counter', options);
  }

  createObservableGauge(name: string, options?: InstrumentOptions): ObservablePort {
    return this.observable(name, 'gauge', options);
  }

  createObservableUpDownCounter(name: string, options?: InstrumentOptions): ObservablePort {
    return this.observable(name, 'gauge', options);
  }

  addBatchObservableCallback(callback: BatchCallback): void {
    this.batches.add(callback);
  }

  removeBatchObservableCallback(callback: BatchCallback): void {
    this.batches.delete(callback);
  }

  text(): string {
    this.collect();
    const families = [...this.families.values()];
    return families.map((family) => family.text()).join('') + this.ownText(families);
  }

  /** Asks all callbacks. One that throws keeps nobody else's metrics from being read. */
  private collect(): void {
    for (const { family } of this.observed) family.clear();
    const result: BatchResultPort = {
      observe: (instrument, value, attributes) => (instrument as Observable).family.set(value, attributes),
    };
    for (const observable of this.observed) {
      for (const callback of observable.callbacks) this.attempt(() => callback(observable));
    }
    for (const callback of this.batches) this.attempt(() => callback(result));
  }

  private attempt(callback: () => void): void {
    try {
      callback();
    } catch {
      // Told by a metric of its own: there is nobody else to tell.
      this.failedCallbacks++;
    }
  }

  private ownText(families: readonly Family[]): string {
    const folded = ownFamily(FOLDED, 'Measurements that share a series, because there were too many.');
    for (const { name, folded: count } of families) if (count > 0) folded.add(count, { metric: name });
    const failed = ownFamily(FAILED, 'Callbacks that threw when they were asked.');
    if (this.failedCallbacks > 0) failed.add(this.failedCallbacks);
    return folded.text() + failed.text();
  }

  private observable(name: string, type: FamilyType, options: InstrumentOptions | undefined): Observable {
    const observable = new Observable(this.family(name, type, options));
    this.observed.add(observable);
    return observable;
  }

  /** One of a name: who asks again gets the same. */
  private family(given: string, type: FamilyType, options: InstrumentOptions = {}): Family {
    const plain = prometheusName(given);
    const name = type === 'counter' && !plain.endsWith('_total') ? `${plain}_total` : plain;
    const known = this.families.get(name);
    if (known?.type === type) return known;
    if (known !== undefined || plain === '') {
      const expected = plain === '' ? 'a name' : `a ${known!.type}, as it is already`;
      throw new ConfigurationError([{ path: `prometheusRegistry.${given}`, expected, received: `a ${type}` }]);
    }
    const bounds = type === 'histogram' ? (options.advice?.explicitBucketBoundaries ?? DEFAULT_BOUNDS) : [];
    const family = new Family(name, type, options.description ?? '', this.options.maxSeries, bounds);
    this.families.set(name, family);
    return family;
  }
}

const ownFamily = (name: string, help: string): Family => new Family(name, 'counter', help, Infinity, []);

/** An instrument that is read when the text is asked for. */
class Observable implements ObservablePort {
  readonly family: Family;
  readonly callbacks: Set<ObservableCallback> = new Set();

  constructor(family: Family) {
    this.family = family;
  }

  addCallback(callback: ObservableCallback): void {
    this.callbacks.add(callback);
  }

  removeCallback(callback: ObservableCallback): void {
    this.callbacks.delete(callback);
  }

  observe(value: number, attributes?: MetricAttributes): void {
    this.family.set(value, attributes);
  }
}
