import type { MetricAttributes } from '../metrics/meter.ts';
import { helpText, labelText, sample } from './text-format.ts';

/** The type of a family, as the text format knows it. */
export type FamilyType = 'counter' | 'gauge' | 'histogram';

/** One series: what is written of it, and what it holds. */
interface Series {
  readonly labels: string;
  value: number;
  /** Of a histogram: how many values were at most the bound of the same place, and above all of them. */
  readonly counts: number[] | undefined;
  count: number;
}

const NO_ATTRIBUTES: MetricAttributes = Object.freeze({});
/** Stands for all series beyond the bound; OpenTelemetry's word for it. */
const OVERFLOW = labelText({ 'otel.metric.overflow': true });

/** What tells attributes apart, in the order in which they are given. */
function idOf(attributes: MetricAttributes): string {
  let id = '';
  // Nanoseconds count here: a list of the entries would cost more than all the rest.
  for (const name in attributes) id += `${name}\u0000${String(attributes[name])}\u0000`;
  return id;
}

/** A metric with all its series. */
export class Family {
  readonly name: string;
  readonly type: FamilyType;
  private readonly help: string;
  private readonly bounds: readonly number[];
  private readonly maxSeries: number;
  private readonly series: Map<string, Series> = new Map();
  /** By the attributes as they are given, which is sooner told than how they are written. */
  private readonly byId: Map<string, Series> = new Map();
  private lastAttributes: MetricAttributes | undefined = undefined;
  private lastSeries: Series | undefined = undefined;
  /** How many measurements went to the series that stands for all others. */
  folded = 0;

  /** @param bounds The upper bounds of a histogram's buckets, rising. */
  constructor(name: string, type: FamilyType, help: string, maxSeries: number, bounds: readonly number[]) {
    this.name = name;
    this.type = type;
    this.help = help;
    this.maxSeries = maxSeries;
    this.bounds = bounds;
  }

  add(value: number, attributes: MetricAttributes = NO_ATTRIBUTES): void {
    this.find(attributes).value += value;
  }

  set(value: number, attributes: MetricAttributes = NO_ATTRIBUTES): void {
    this.find(attributes).value = value;
  }

  record(value: number, attributes: MetricAttributes = NO_ATTRIBUTES): void {
    if (Number.isNaN(value)) return;
    const series = this.find(attributes);
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    series.counts![bucket]!++;
    series.count++;
    series.value += value;
  }

  /** Forgets all series; for what is read anew at each collection. */
  clear(): void {
    this.series.clear();
    this.byId.clear();
    this.lastAttributes = this.lastSeries = undefined;
  }

  /** The family in the text format; empty when it has no series. */
  text(): string {
    if (this.series.size === 0) return '';
    const help = this.help === '' ? '' : `# HELP ${this.name} ${helpText(this.help)}\n`;
    let lines = `${help}# TYPE ${this.name} ${this.type}\n`;
    for (const series of this.series.values()) {
      lines += series.counts === undefined ? sample(this.name, series.labels, series.value) : this.buckets(series);
    }
    return lines;
  }

  private buckets({ labels, counts, count, value }: Series): string {
    const prefix = labels === '' ? '' : `${labels},`;
    let lines = '';
    let upTo = 0;
    this.bounds.forEach((bound, index) => {
      upTo += counts![index]!;
      lines += sample(`${this.name}_bucket`, `${prefix}le="${bound}"`, upTo);
    });
    lines += sample(`${this.name}_bucket`, `${prefix}le="+Inf"`, count);
    return `${lines}${sample(`${this.name}_sum`, labels, value)}${sample(`${this.name}_count`, labels, count)}`;
  }

  private find(attributes: MetricAttributes): Series {
    if (attributes === this.lastAttributes) return this.lastSeries!;
    const id = idOf(attributes);
    const known = this.byId.get(id);
    if (known !== undefined) {
      this.remember(attributes, known);
      return known;
    }
    const labels = labelText(attributes);
    const series = this.series.get(labels) ?? this.begin(labels);
    // What was folded is not remembered: each of its measurements is to be counted.
    if (series.labels !== labels) return series;
    // One series may be asked for with its labels in several orders; nobody means more than a few.
    if (this.byId.size < 2 * this.maxSeries) this.byId.set(id, series);
    this.remember(attributes, series);
    return series;
  }

  /** Attributes that can not change need not be read again. */
  private remember(attributes: MetricAttributes, series: Series): void {
    if (!Object.isFrozen(attributes)) return;
    this.lastAttributes = attributes;
    this.lastSeries = series;
  }

  private begin(labels: string): Series {
    // One place is kept for what does not fit.
    const fits = this.series.size < this.maxSeries - 1;
    if (!fits) this.folded++;
    const kept = fits ? labels : OVERFLOW;
    const series = this.series.get(kept) ?? this.emptySeries(kept);
    this.series.set(kept, series);
    return series;
  }

  private emptySeries(labels: string): Series {
    const counts = this.type === 'histogram' ? new Array<number>(this.bounds.length + 1).fill(0) : undefined;
    return { labels, value: 0, counts, count: 0 };
  }
}
