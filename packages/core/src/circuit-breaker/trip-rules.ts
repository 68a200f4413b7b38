/** The rules that go by numbers of calls. Those that go by time stand in sampled-rules.ts and adaptive.ts. */
import { resolveOptions } from '../options/resolve.ts';
import { integer, ratio } from '../options/rules.ts';
import type { TripRule, TripWindow } from './trip-rule.ts';

/**
 * Opens after so many failures in a row; each success starts anew.
 *
 * @param failures At least 1.
 * @throws ConfigurationError
 */
export function consecutive(failures: number): TripRule {
  const options = resolveOptions('consecutive', { failures }, {}, { failures: integer(1) });
  return Object.freeze({
    kind: 'consecutive',
    timed: false,
    createWindow: () => new ConsecutiveWindow(options.failures),
  });
}

class ConsecutiveWindow implements TripWindow {
  private readonly most: number;
  private streak = 0;

  constructor(most: number) {
    this.most = most;
  }

  record(failed: boolean): string | undefined {
    this.streak = failed ? this.streak + 1 : 0;
    return this.streak >= this.most ? 'failures' : undefined;
  }

  failures(): number {
    return this.streak;
  }

  throughput(): number {
    return this.streak;
  }

  clear(): void {
    this.streak = 0;
  }

  save(): readonly number[] {
    return [this.streak];
  }

  restore([streak = 0]: readonly number[]): void {
    this.streak = streak;
  }
}

/** How many of the last calls may fail: a number of them, or a ratio. */
export type CountLimit =
  | {
      /** Opens at so many failures; at least 1 and at most the size. */
      readonly failures: number;
    }
  | {
      /** Opens when this ratio of the calls has failed; above 0 and at most 1. */
      readonly failureRatio: number;
      /** So many calls must have been counted before the ratio does; at least 1, at most and by default the size. */
      readonly minThroughput?: number | undefined;
    };

/**
 * Opens when too many of the last `size` calls have failed, whenever they were: `count(100, { failureRatio: 0.5 })`. A
 * success takes its place among them and forgives nothing else.
 *
 * @param size How many calls are remembered, at a byte each; at least 1.
 * @throws ConfigurationError
 */
export function count(size: number, limit: CountLimit): TripRule {
  const most = Number.isSafeInteger(size) ? Math.max(1, size) : 1;
  // What is no limit at all is told as one without a ratio.
  const byNumber = typeof limit === 'object' && 'failures' in limit;
  const given: CountOptions = byNumber
    ? resolveOptions('count', { size, ...limit }, {}, { size: integer(1), failures: integer(1, most) }, ['failures'])
    : resolveOptions(
        'count',
        { size, ...limit },
        { minThroughput: most },
        { size: integer(1), failureRatio: ratio(), minThroughput: integer(1, most) },
        ['failureRatio'],
      );
  return Object.freeze({ kind: 'count', timed: false, createWindow: () => new CountWindow(given) });
}

interface CountOptions {
  readonly size: number;
  readonly failures?: number;
  readonly failureRatio?: number;
  readonly minThroughput?: number;
}

/** The last calls in a ring of bytes, 1 where one failed, with running totals. */
class CountWindow implements TripWindow {
  private readonly ring: Uint8Array;
  private readonly leastFailures: number;
  private readonly leastRatio: number;
  private readonly minThroughput: number;
  private next = 0;
  private calls = 0;
  private failed = 0;

  constructor({ size, failures = 1, failureRatio = 0, minThroughput = 1 }: CountOptions) {
    this.ring = new Uint8Array(size);
    this.leastFailures = failures;
    this.leastRatio = failureRatio;
    this.minThroughput = minThroughput;
  }

  record(failed: boolean): string | undefined {
    const { ring, next } = this;
    const mark = failed ? 1 : 0;
    this.failed += mark - ring[next]!;
    ring[next] = mark;
    this.next = next + 1 === ring.length ? 0 : next + 1;
    if (this.calls < ring.length) this.calls++;
    return failed && this.isTooMany() ? 'failures' : undefined;
  }

  failures(): number {
    return this.failed;
  }

  throughput(): number {
    return this.calls;
  }

  clear(): void {
    this.ring.fill(0);
    this.next = this.calls = this.failed = 0;
  }

  save(): readonly number[] {
    const { ring, calls } = this;
    const oldest = this.next + ring.length - calls;
    return Array.from({ length: calls }, (_, place) => ring[(oldest + place) % ring.length]!);
  }

  restore(saved: readonly number[]): void {
    for (const mark of saved) this.record(mark !== 0);
  }

  private isTooMany(): boolean {
    const { calls, failed } = this;
    return failed >= this.leastFailures && calls >= this.minThroughput && failed / calls >= this.leastRatio;
  }
}
