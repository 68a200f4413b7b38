import type { MetricAttributes } from './meter.ts';

/** What stands in each label of a series that stands for all those beyond the bound. */
export const OTHER = '(other)';

/** The value of a label; undefined where a series is without it. */
export type LabelValue = string | number | undefined;

/**
 * The series of one metric. What has been seen gets the same attributes again, as the same frozen object; what comes when
 * `maxSeries` are known is folded into one series that stands for all others.
 */
export class BoundedSeries {
  private readonly labels: readonly (string | undefined)[];
  private readonly maxSeries: number;
  private readonly clean: (text: string) => string;
  private readonly onFold: () => void;
  private readonly known: Map<string, MetricAttributes> = new Map();
  private readonly others: MetricAttributes;

  /**
   * @param labels The names of the labels; undefined for one whose values are left out.
   * @param maxSeries How many series there may be, the one for the others included; at least 1.
   * @param clean Takes out of a value what must not leave.
   * @param onFold Called for each measurement that is folded.
   */
  constructor(
    labels: readonly (string | undefined)[],
    maxSeries: number,
    clean: (text: string) => string,
    onFold: () => void,
  ) {
    this.labels = labels;
    this.maxSeries = maxSeries;
    this.clean = clean;
    this.onFold = onFold;
    this.others = Object.freeze(
      Object.fromEntries(labels.flatMap((label) => (label === undefined ? [] : [[label, OTHER]]))),
    );
  }

  /** The attributes of a measurement with these values, in the order of the labels. */
  of(...values: readonly LabelValue[]): MetricAttributes {
    const id = values.join('\u0000');
    const known = this.known.get(id);
    if (known !== undefined) return known;
    // One place is kept for what does not fit.
    if (this.known.size >= this.maxSeries - 1) {
      this.onFold();
      return this.others;
    }
    const attributes = this.attributes(values);
    this.known.set(id, attributes);
    return attributes;
  }

  private attributes(values: readonly LabelValue[]): MetricAttributes {
    const attributes: Record<string, string | number> = {};
    this.labels.forEach((label, index) => {
      const value = values[index];
      if (label === undefined || value === undefined) return;
      attributes[label] = typeof value === 'string' ? this.clean(value) : value;
    });
    return Object.freeze(attributes);
  }
}

/** Lets through as many different values as `most`, and {@link OTHER} in place of all that come later. */
export class BoundedValues {
  private readonly most: number;
  private readonly known: Set<string> = new Set();

  constructor(most: number) {
    this.most = most;
  }

  /** `value`, or {@link OTHER} when there are too many others. */
  of(value: string): string {
    if (this.known.has(value)) return value;
    if (this.known.size >= this.most) return OTHER;
    this.known.add(value);
    return value;
  }
}
