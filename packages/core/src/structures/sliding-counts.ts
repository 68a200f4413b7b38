/**
 * Two counters over a sliding window of time, kept in a ring of sub-windows with running totals: recording and reading
 * are O(1) whatever the traffic, memory is fixed, and a sub-window expires by time, not by the next sample: after an
 * idle hour the window is empty.
 *
 * The window is exact to one sub-window: what is counted happened within the last `windowMs`, and at least within the
 * last `windowMs · (1 − 1/buckets)`.
 */
export class SlidingCounts {
  private readonly bucketMs: number;
  private readonly hitCounts: Uint32Array;
  private readonly missCounts: Uint32Array;
  private hitTotal = 0;
  private missTotal = 0;
  /** Number of the newest sub-window since the clock's origin. */
  private head = 0;
  /** Its place in the ring. */
  private index = 0;
  private headEndsAt = -Infinity;

  constructor(windowMs: number, buckets: number) {
    this.bucketMs = windowMs / buckets;
    this.hitCounts = new Uint32Array(buckets);
    this.missCounts = new Uint32Array(buckets);
  }

  /** Counts one event of the first kind at the time `now`. */
  recordHit(now: number): void {
    if (now >= this.headEndsAt) this.rotate(now);
    this.hitCounts[this.index]!++;
    this.hitTotal++;
  }

  /** Counts one event of the second kind at the time `now`. */
  recordMiss(now: number): void {
    if (now >= this.headEndsAt) this.rotate(now);
    this.missCounts[this.index]!++;
    this.missTotal++;
  }

  /** Events of the first kind within the window that ends at `now`. */
  hits(now: number): number {
    if (now >= this.headEndsAt) this.rotate(now);
    return this.hitTotal;
  }

  /** Events of the second kind within the window that ends at `now`. */
  misses(now: number): number {
    if (now >= this.headEndsAt) this.rotate(now);
    return this.missTotal;
  }

  /** Forgets everything. */
  clear(): void {
    this.hitCounts.fill(0);
    this.missCounts.fill(0);
    this.hitTotal = 0;
    this.missTotal = 0;
  }

  /** What stands in each sub-window of the window that ends at `now`, the oldest first: hits, misses, hits, … */
  save(now: number): number[] {
    if (now >= this.headEndsAt) this.rotate(now);
    const length = this.hitCounts.length;
    return Array.from({ length }, (_, place) => (this.index + 1 + place) % length).flatMap((index) => [
      this.hitCounts[index]!,
      this.missCounts[index]!,
    ]);
  }

  /** Takes over what another of as many sub-windows saved at the time `at`; numbers that don't fit are left alone. */
  restore(saved: readonly number[], at: number): void {
    const length = this.hitCounts.length;
    if (saved.length !== 2 * length) return;
    this.clear();
    this.rotate(at);
    for (let place = 0; place < length; place++) {
      const index = (this.index + 1 + place) % length;
      this.hitTotal += this.hitCounts[index] = saved[2 * place]! >>> 0;
      this.missTotal += this.missCounts[index] = saved[2 * place + 1]! >>> 0;
    }
  }

  private rotate(now: number): void {
    const head = Math.floor(now / this.bucketMs);
    const length = this.hitCounts.length;
    const first = Math.max(this.head + 1, head - length + 1);
    if (first === head - length + 1) this.clear();
    else {
      for (let bucket = first; bucket <= head; bucket++) {
        const index = modulo(bucket, length);
        this.hitTotal -= this.hitCounts[index]!;
        this.missTotal -= this.missCounts[index]!;
        this.hitCounts[index] = 0;
        this.missCounts[index] = 0;
      }
    }
    this.head = head;
    this.index = modulo(head, length);
    this.headEndsAt = (head + 1) * this.bucketMs;
  }
}

/** A monotonic clock may well count from below 0. */
function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
