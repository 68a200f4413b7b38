/**
 * The exact sliding log: the times of all calls of the last period. It is deliberately not our library's limiter: here it judges the library.
 * A window is half-open, (now - period, now]: a call exactly one period old has left it.
 */
export class SlidingLog {
  readonly #periodMs: number;
  #times: Float64Array = new Float64Array(256);
  #head = 0;
  #size = 0;
  #peak = 0;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** The largest number of calls that any window of one period has held. */
  get peak(): number {
    return this.#peak;
  }

  /** How many calls the window that ends now holds. */
  count(now: number): number {
    while (this.#size > 0 && this.#oldest() <= now - this.#periodMs) {
      this.#head = (this.#head + 1) % this.#times.length;
      this.#size -= 1;
    }
    return this.#size;
  }

  /** A maximum over windows that end at a call is a maximum over all windows, so looking here is enough. */
  add(now: number): void {
    this.count(now);
    if (this.#size === this.#times.length) this.#grow();
    this.#times[(this.#head + this.#size) % this.#times.length] = now;
    this.#size += 1;
    if (this.#size > this.#peak) this.#peak = this.#size;
  }

  /** How long until the window holds fewer than `max` calls; 0 when it already does. */
  waitMs(now: number, max: number): number {
    const surplus = this.count(now) - max;
    if (surplus < 0) return 0;
    const leaver = this.#times[(this.#head + surplus) % this.#times.length] ?? now;
    return leaver + this.#periodMs - now;
  }

  clear(): void {
    this.#head = 0;
    this.#size = 0;
    this.#peak = 0;
  }

  #oldest(): number {
    return this.#times[this.#head] ?? 0;
  }

  #grow(): void {
    const larger = new Float64Array(this.#times.length * 2);
    larger.set(this.#times.subarray(this.#head));
    larger.set(this.#times.subarray(0, this.#head), this.#times.length - this.#head);
    this.#times = larger;
    this.#head = 0;
  }
}
