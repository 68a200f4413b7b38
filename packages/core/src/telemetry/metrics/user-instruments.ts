import type { CounterPort, HistogramPort, MetricAttributes } from './meter.ts';
import type { UserSeries } from './user-series.ts';

/** A counter of the user's, its attributes bounded and redacted. */
export class UserCounter {
  private readonly counter: CounterPort;
  private readonly series: UserSeries;

  constructor(counter: CounterPort, series: UserSeries) {
    this.counter = counter;
    this.series = series;
  }

  add(value: number, attributes?: MetricAttributes): void {
    this.counter.add(value, this.series.of(attributes));
  }
}

/** A histogram of the user's, its attributes bounded and redacted. */
export class UserHistogram {
  private readonly histogram: HistogramPort;
  private readonly series: UserSeries;

  constructor(histogram: HistogramPort, series: UserSeries) {
    this.histogram = histogram;
    this.series = series;
  }

  record(value: number, attributes?: MetricAttributes): void {
    this.histogram.record(value, this.series.of(attributes));
  }
}
