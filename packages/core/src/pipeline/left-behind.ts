import type { Attempt } from './attempt.ts';

/** Whom to tell when none of these runs goes on any more. */
interface Awaited {
  readonly runs: Set<Attempt>;
  readonly callback: () => void;
}

/** The runs of a function that go on although their call no longer waits for them, and who waits for the end of runs. */
export class LeftBehind {
  readonly runs: Set<Attempt> = new Set();
  private awaited: Awaited[] = [];

  /** Calls back when all of `runs`, at least one, have ended. */
  whenEnded(runs: Set<Attempt>, callback: () => void): void {
    this.awaited.push({ runs, callback });
  }

  /** Any run of the call has ended. */
  ended(run: Attempt): void {
    this.runs.delete(run);
    const over = this.awaited.filter(({ runs }) => runs.delete(run) && runs.size === 0);
    if (over.length === 0) return;
    this.awaited = this.awaited.filter(({ runs }) => runs.size > 0);
    for (const { callback } of over) callback();
  }
}
