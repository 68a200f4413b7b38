import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { MemoryStore } from './stores/memory/memory-store.ts';

/** How many errors of loads are remembered at most. */
const MOST_FAILURES = 10_000;

/** What a load has failed with. */
export interface LoadFailure {
  readonly error: unknown;
}

/** Errors of loads, which stand in for another load of their key for a while. */
export class LoadFailures {
  private readonly clock: Clock;
  private readonly random: Random;
  /** Made when the first is remembered: most caches remember none. */
  private failures: MemoryStore<LoadFailure> | undefined = undefined;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  of(text: string): LoadFailure | undefined {
    return this.failures?.get(text);
  }

  /** @param lifeMs Above 0. */
  remember(text: string, error: unknown, lifeMs: number): void {
    const { clock, random } = this;
    this.failures ??= new MemoryStore({ maxEntries: MOST_FAILURES, jitterRatio: 0, clock, random });
    this.failures.set(text, { error }, lifeMs);
  }

  forget(text: string): void {
    this.failures?.delete(text);
  }

  forgetAll(): void {
    this.failures?.clear();
  }
}
