/** The shape of an OpenTelemetry meter, as far as it is used: what `metrics.getMeter(…)` of any API from 1.3 on gives. */

/** What tells series of one instrument apart. */
export type MetricAttributes = Readonly<Record<string, string | number | boolean>>;

/** What is said of an instrument as it is made. */
export interface InstrumentOptions {
  readonly description?: string;
  /** In the words of UCUM: `s`, `ms`, `By`, `{call}`, `1`. */
  readonly unit?: string;
  readonly advice?: { readonly explicitBucketBoundaries?: number[] };
}

/** An instrument that adds up. */
export interface CounterPort {
  add(value: number, attributes?: MetricAttributes): void;
}

/** An instrument that keeps a distribution. */
export interface HistogramPort {
  record(value: number, attributes?: MetricAttributes): void;
}

/** An instrument that is read when somebody collects; opaque to who makes it. */
export interface ObservablePort {
  addCallback(callback: (result: { observe(value: number, attributes?: MetricAttributes): void }) => void): void;
}

/** What a callback of {@link MeterPort.addBatchObservableCallback} is given. */
export interface BatchResultPort {
  observe(instrument: ObservablePort, value: number, attributes?: MetricAttributes): void;
}

/** Makes instruments: an OpenTelemetry meter, or {@link prometheusRegistry}. */
export interface MeterPort {
  createCounter(name: string, options?: InstrumentOptions): CounterPort;
  createUpDownCounter(name: string, options?: InstrumentOptions): CounterPort;
  createHistogram(name: string, options?: InstrumentOptions): HistogramPort;
  createObservableCounter(name: string, options?: InstrumentOptions): ObservablePort;
  createObservableGauge(name: string, options?: InstrumentOptions): ObservablePort;
  createObservableUpDownCounter(name: string, options?: InstrumentOptions): ObservablePort;
  addBatchObservableCallback(callback: (result: BatchResultPort) => void, instruments: ObservablePort[]): void;
  removeBatchObservableCallback(callback: (result: BatchResultPort) => void, instruments: ObservablePort[]): void;
}
