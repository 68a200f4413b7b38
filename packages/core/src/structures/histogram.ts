/**
 * A histogram of positive numbers with bounded relative error: bucket i holds the values in (γ^(i−1), γ^i] with
 * γ = (1 + α) / (1 − α), so every quantile is within α of a value that was recorded (DDSketch: Masson, Rim and Lee,
 * VLDB 2019). Memory is fixed: values are clamped to [`min`, `max`], and what lies outside is told by
 * {@link Histogram.min} and {@link Histogram.max} exactly.
 */
export class Histogram {
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

  private clamp(value: number): number {
    return Math.min(Math.max(value, this.smallest), this.largest);
  }
}
