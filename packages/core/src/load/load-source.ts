import type { Clock } from '../clock/clock.ts';

/**
 * Something that shows how much a program has to do: `eventLoopDelay()`, `memoryUse()` or one of your own. A value that
 * measures nothing by itself: whoever goes by it makes a reader.
 */
export interface LoadSource {
  /** What it measures, in events and on status pages: `event-loop-delay`. */
  readonly name: string;
  /** Begins to measure, by the time of `clock`. */
  createReader(clock: Clock): LoadReader;
}

/** Measures a {@link LoadSource}. */
export interface LoadReader {
  /**
   * The load at present: 0 for none, 1 where the program should have no more of it, above 1 beyond that. It is asked on
   * each call, and must not be slow. Where it throws, which is told, or gives no number, it says nothing.
   */
  read(): number;
  /** Lets go of timers at once; the next `read` begins anew. */
  stop(): void;
}
