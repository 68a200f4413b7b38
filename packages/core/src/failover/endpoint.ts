import type { Clock } from '../clock/clock.ts';
import type { Pipeline } from '../pipeline/pipeline-contract.ts';
import { SlidingCounts } from '../structures/sliding-counts.ts';

const BUCKETS = 10;

/** One endpoint: its policies, its load, and how its calls have ended of late. */
export class Endpoint<E> {
  readonly value: E;
  readonly index: number;
  readonly pipeline: Pipeline;
  /** Calls under way. */
  running: number = 0;
  /** Calls that it was asked, all together. */
  asked: number = 0;
  /** Until when it is ejected; in the past when it isn't. */
  ejectedUntil: number = -Infinity;
  /** Whether its return from the last ejection is still to be told. */
  isEjected: boolean = false;
  /** How often it was ejected without having proven itself in between. */
  ejections: number = 0;
  private readonly counts: SlidingCounts;
  private readonly clock: Clock;

  constructor(value: E, index: number, pipeline: Pipeline, clock: Clock, samplingMs: number) {
    this.value = value;
    this.index = index;
    this.pipeline = pipeline;
    this.clock = clock;
    this.counts = new SlidingCounts(samplingMs, BUCKETS);
  }

  begin(): void {
    this.running++;
    this.asked++;
  }

  end(): void {
    this.running--;
  }

  succeeded(): void {
    this.counts.recordMiss(this.clock.now());
  }

  failed(): void {
    this.counts.recordHit(this.clock.now());
  }

  get throughput(): number {
    const now = this.clock.now();
    return this.counts.hits(now) + this.counts.misses(now);
  }

  get failureRatio(): number {
    const { throughput } = this;
    return throughput === 0 ? 0 : this.counts.hits(this.clock.now()) / throughput;
  }

  /** What happened before an ejection says nothing about how it is afterwards. */
  forget(): void {
    this.counts.clear();
  }
}
