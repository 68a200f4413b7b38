/** A histogram as JSON. */
export interface HistogramJson {
  readonly relativeError: number;
  /** Number of the bucket and its count. */
  readonly buckets: readonly (readonly [number, number])[];
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
}

/**
 * A histogram of positive numbers with bounded relative error: bucket i holds the values in (γ^(i−1), γ^i] with
 * γ = (1 + α) / (1 − α), so every quantile is within α of a value that was recorded (DDSketch: Masson, Rim and Lee,
 * VLDB 2019). Memory is fixed: values are clamped to [`min`, `max`], and what lies outside is told by
 * {@link Histogram.min} and {@link Histogram.max} exactly.
 */
export class Histogram {
  /** The largest relative error of a quantile. */
  readonly relativeError: number;
  private readonly logGamma: number;
  private readonly gamma: number;
  private readonly offset: number;
  private readonly counts: Float64Array;
  private recorded = 0;
  private total = 0;
  private smallest = Infinity;
  private largest = -Infinity;

  /**
   * @param relativeError Largest relative error of a quantile, between 0 and 1; default 0.01.
   * @param lowest Values at or below share the first bucket; default 0.001.
   * @param highest Values at or above share the last bucket; default 1e8.
   */
  constructor(relativeError = 0.01, lowest = 1e-3, highest = 1e8) {
    this.relativeError = relativeError;
    this.gamma = (1 + relativeError) / (1 - relativeError);
    this.logGamma = Math.log(this.gamma);
    this.offset = Math.ceil(Math.log(lowest) / this.logGamma);
    this.counts = new Float64Array(Math.ceil(Math.log(highest) / this.logGamma) - this.offset + 1);
  }

  /** How many values were recorded. */
  get count(): number {
    return this.recorded;
  }
  /** Their sum. */
  get sum(): number {
    return this.total;
  }
  /** Their mean; NaN when empty. */
  get mean(): number {
    return this.total / this.recorded;
  }
  /** The smallest value, exactly; Infinity when empty. */
  get min(): number {
    return this.smallest;
  }
  /** The largest value, exactly; -Infinity when empty. */
  get max(): number {
    return this.largest;
  }

  /** Counts one value. NaN is ignored. */
  record(value: number): void {
    if (Number.isNaN(value)) return;
    const index = Math.ceil(Math.log(value) / this.logGamma) - this.offset;
    this.counts[value <= 0 || index < 0 ? 0 : Math.min(index, this.counts.length - 1)]!++;
    this.recorded++;
    this.total += value;
    if (value < this.smallest) this.smallest = value;
    if (value > this.largest) this.largest = value;
  }

  /** The value below which the ratio `quantile` (0 to 1) of all values lie; NaN when empty. */
  quantile(quantile: number): number {
    if (this.recorded === 0) return Number.NaN;
    const rank = quantile * (this.recorded - 1);
    let seen = 0;
    for (let index = 0; index < this.counts.length; index++) {
      seen += this.counts[index]!;
      if (seen > rank) return this.clamp((2 * this.gamma ** (index + this.offset)) / (this.gamma + 1));
    }
    return this.largest;
  }

  /** Takes in what another has counted; both must have been made alike. */
  merge(other: Histogram): void {
    if (!this.isLike(other)) throw new RangeError('histograms of different buckets can not be merged');
    for (let index = 0; index < this.counts.length; index++) this.counts[index]! += other.counts[index]!;
    this.recorded += other.recorded;
    this.total += other.total;
    this.smallest = Math.min(this.smallest, other.smallest);
    this.largest = Math.max(this.largest, other.largest);
  }

  /** Forgets everything. */
  reset(): void {
    this.counts.fill(0);
    this.recorded = this.total = 0;
    this.smallest = Infinity;
    this.largest = -Infinity;
  }

  /** What it has counted, as JSON can hold it: only the buckets that are not empty. */
  toJSON(): HistogramJson {
    const buckets: [number, number][] = [];
    this.counts.forEach((count, index) => {
      if (count > 0) buckets.push([index + this.offset, count]);
    });
    const { relativeError, total: sum, smallest: min, largest: max } = this;
    return this.recorded === 0 ? { relativeError, buckets } : { relativeError, buckets, sum, min, max };
  }

  /**
   * Takes in what another has written by {@link Histogram.toJSON}.
   *
   * @throws RangeError when that was made with another relative error.
   */
  mergeJson(json: HistogramJson): void {
    if (json.relativeError !== this.relativeError)
      throw new RangeError('histograms of different errors can not be merged');
    for (const [bucket, count] of json.buckets) {
      this.counts[Math.min(Math.max(bucket - this.offset, 0), this.counts.length - 1)]! += count;
      this.recorded += count;
    }
    this.total += json.sum ?? 0;
    this.smallest = Math.min(this.smallest, json.min ?? Infinity);
    this.largest = Math.max(this.largest, json.max ?? -Infinity);
  }

  private isLike(other: Histogram): boolean {
    return (
      this.relativeError === other.relativeError &&
      this.offset === other.offset &&
      this.counts.length === other.counts.length
    );
  }

  private clamp(value: number): number {
    return Math.min(Math.max(value, this.smallest), this.largest);
  }
}
