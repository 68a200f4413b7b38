import type { Attempt } from './attempt.ts';

/** Whom to tell when none of these runs goes on any more. */
interface Awaited {
  readonly runs: Set<Attempt>;
  readonly callback: () => void;
}

/** The runs of a function that go on although their call no longer waits for them, and who waits for their end. */
export class LeftBehind {
  private readonly runs: Set<Attempt> = new Set();
  private awaited: Awaited[] = [];

  add(run: Attempt): void {
    this.runs.add(run);
  }

  /** The runs as they are now; undefined when there are none. */
  snapshot(): ReadonlySet<unknown> | undefined {
    return this.runs.size === 0 ? undefined : new Set(this.runs);
  }

  /** Calls back when those of the runs have ended that are here now and not in `except`. */
  whenEnded(callback: () => void, except: ReadonlySet<unknown> | undefined): void {
    const runs = new Set([...this.runs].filter((run) => except?.has(run) !== true));
    if (runs.size === 0) callback();
    else this.awaited.push({ runs, callback });
  }

  /** Any run of the call has ended. */
  ended(run: Attempt): void {
    if (!this.runs.delete(run)) return;
    const over = this.awaited.filter(({ runs }) => runs.delete(run) && runs.size === 0);
    this.awaited = this.awaited.filter(({ runs }) => runs.size > 0);
    for (const { callback } of over) callback();
  }
}
