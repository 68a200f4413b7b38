import { isSecretName } from '../../errors/redactor.ts';
import type { MetricAttributes } from './meter.ts';

/** Stands for all series beyond the bound; OpenTelemetry's word for it. */
const OTHERS: MetricAttributes = Object.freeze({ 'otel.metric.overflow': true });

/** The series of a metric whose labels are the user's: whatever attributes come, bounded in number, and redacted. */
export class UserSeries {
  private readonly maxSeries: number;
  private readonly clean: (text: string) => string;
  private readonly onFold: () => void;
  private readonly known: Map<string, MetricAttributes> = new Map();

  constructor(maxSeries: number, clean: (text: string) => string, onFold: () => void) {
    this.maxSeries = maxSeries;
    this.clean = clean;
    this.onFold = onFold;
  }

  /** The attributes as they may leave; the same object for the same attributes, in whatever order. */
  of(given: MetricAttributes = {}): MetricAttributes {
    const names = Object.keys(given).toSorted();
    const id = JSON.stringify(names.map((name) => [name, given[name]]));
    const known = this.known.get(id);
    if (known !== undefined) return known;
    // One place is kept for what does not fit.
    if (this.known.size >= this.maxSeries - 1) {
      this.onFold();
      return OTHERS;
    }
    const entries = names.map((name) => [this.clean(name), this.cleanValue(name, given[name]!)]);
    const attributes: MetricAttributes = Object.freeze(Object.fromEntries(entries));
    this.known.set(id, attributes);
    return attributes;
  }

  private cleanValue(name: string, value: string | number | boolean): string | number | boolean {
    if (isSecretName(name)) return '[redacted]';
    return typeof value === 'string' ? this.clean(value) : value;
  }
}
