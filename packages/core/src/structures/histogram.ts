/**
 * A histogram of positive numbers with bounded relative error: bucket i holds the values in (γ^(i−1), γ^i] with
 * γ = (1 + α) / (1 − α), so every quantile is within α of a value that was recorded (DDSketch: Masson, Rim and Lee,
 * VLDB 2019). Memory is fixed: values are clamped to [`min`, `max`], and what lies outside is told by
 * {@link Histogram.min} and {@link Histogram.max} exactly.
 */
export class Histogram {
  readonly #logGamma: number;
  readonly #gamma: number;
  readonly #offset: number;
  readonly #counts: Float64Array;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;

  /**
   * @param relativeError Largest relative error of a quantile, between 0 and 1; default 0.01.
   * @param lowest Values at or below share the first bucket; default 0.001.
   * @param highest Values at or above share the last bucket; default 1e8.
   */
  constructor(relativeError = 0.01, lowest = 1e-3, highest = 1e8) {
    this.#gamma = (1 + relativeError) / (1 - relativeError);
    this.#logGamma = Math.log(this.#gamma);
    this.#offset = Math.ceil(Math.log(lowest) / this.#logGamma);
    this.#counts = new Float64Array(Math.ceil(Math.log(highest) / this.#logGamma) - this.#offset + 1);
  }

  /** How many values were recorded. */
  get count(): number {
    return this.#count;
  }
  /** Their sum. */
  get sum(): number {
    return this.#sum;
  }
  /** Their mean; NaN when empty. */
  get mean(): number {
    return this.#sum / this.#count;
  }
  /** The smallest value, exactly; Infinity when empty. */
  get min(): number {
    return this.#min;
  }
  /** The largest value, exactly; -Infinity when empty. */
  get max(): number {
    return this.#max;
  }

  /** Counts one value. NaN is ignored. */
  record(value: number): void {
    if (Number.isNaN(value)) return;
    const index = Math.ceil(Math.log(value) / this.#logGamma) - this.#offset;
    this.#counts[value <= 0 || index < 0 ? 0 : Math.min(index, this.#counts.length - 1)]!++;
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** The value below which the ratio `quantile` (0 to 1) of all values lie; NaN when empty. */
  quantile(quantile: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = quantile * (this.#count - 1);
    let seen = 0;
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index]!;
      if (seen > rank) return this.#clamp((2 * this.#gamma ** (index + this.#offset)) / (this.#gamma + 1));
    }
    return this.#max;
  }

  #clamp(value: number): number {
    return Math.min(Math.max(value, this.#min), this.#max);
  }
}
