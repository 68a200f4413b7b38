/**
 * When the breaker of a run opens. A window in time, the library's default, suits a service; a run may make a thousand
 * calls a second or one a minute, and an outage should be seen after the same number of calls in both. So the last
 * fifty calls count, whenever they were; and when so many fail in a row that no single row can have caused it, there is
 * no need to wait until they are half of the window.
 */
import type { TripRule, TripWindow } from 'breakwater/circuit-breaker';

const windowSize = 50;
const leastCalls = 20;

export function recentCalls(failureRatio: number, failuresInARow: number): TripRule {
  return { timed: false, createWindow: () => new RecentCalls(failureRatio, failuresInARow) };
}

class RecentCalls implements TripWindow {
  readonly #failureRatio: number;
  readonly #failuresInARow: number;
  /** 1 where the call failed. */
  readonly #failed = new Uint8Array(windowSize);
  #next = 0;
  #calls = 0;
  #failures = 0;
  #inARow = 0;

  constructor(failureRatio: number, failuresInARow: number) {
    this.#failureRatio = failureRatio;
    this.#failuresInARow = failuresInARow;
  }

  recordSuccess(): void {
    this.#inARow = 0;
    this.#record(0);
  }

  recordFailure(): boolean {
    this.#inARow += 1;
    this.#record(1);
    if (this.#inARow >= this.#failuresInARow) return true;
    return this.#calls >= leastCalls && this.#failures >= this.#failureRatio * this.#calls;
  }

  failures(): number {
    return this.#failures;
  }

  throughput(): number {
    return this.#calls;
  }

  clear(): void {
    this.#failed.fill(0);
    this.#next = this.#calls = this.#failures = this.#inARow = 0;
  }

  #record(failed: 0 | 1): void {
    this.#failures += failed - (this.#failed[this.#next] ?? 0);
    this.#failed[this.#next] = failed;
    this.#next = (this.#next + 1) % windowSize;
    if (this.#calls < windowSize) this.#calls += 1;
  }
}
