/**
 * A histogram over a sliding window of time: a ring of histograms, one for each sub-window, which expire by time and not
 * by the next value. What is counted was recorded within the last `windowMs`, and at least within the last
 * `windowMs · (1 − 1/buckets)`. Recording is O(1); reading adds the sub-windows up.
 */
import { Histogram } from './histogram.ts';

export class SlidingHistogram {
  private readonly bucketMs: number;
  private readonly relativeError: number;
  private readonly ring: (Histogram | undefined)[];
  /** Number of the newest sub-window since the clock's origin. */
  private head = -Infinity;

  /** @param relativeError Largest relative error of a quantile; a sub-window in which something was recorded takes about 25 / `relativeError` · 8 bytes. */
  constructor(windowMs: number, buckets: number, relativeError = 0.02) {
    this.bucketMs = windowMs / buckets;
    this.relativeError = relativeError;
    this.ring = Array.from({ length: buckets }, () => undefined);
  }

  /** Counts one value at the time `now`. */
  record(value: number, now: number): void {
    this.rotate(now);
    (this.ring[this.indexOf(this.head)] ??= new Histogram(this.relativeError)).record(value);
  }

  /** All values of the window that ends at `now`. */
  at(now: number): Histogram {
    this.rotate(now);
    const all = new Histogram(this.relativeError);
    for (const part of this.ring) if (part !== undefined) all.merge(part);
    return all;
  }

  private rotate(now: number): void {
    const head = Math.floor(now / this.bucketMs);
    if (head <= this.head) return;
    const length = this.ring.length;
    for (let bucket = Math.max(this.head + 1, head - length + 1); bucket <= head; bucket++)
      this.ring[this.indexOf(bucket)] = undefined;
    this.head = head;
  }

  /** A monotonic clock may well count from below 0. */
  private indexOf(bucket: number): number {
    const { length } = this.ring;
    return ((bucket % length) + length) % length;
  }
}
