import type { Clock } from '../clock/clock.ts';
import type { EventChannel } from '../events/channel.ts';
import type { Attempt } from './attempt.ts';

/** When a call and its runs of the function began: kept where somebody wants to be told how long they took. */
export class CallTimes {
  private readonly clock: Clock;
  private readonly startedAt: number;
  /** Whether somebody listens to the ends of runs. */
  private readonly ofRuns: boolean;
  /** Most calls have one run at a time: it needs no table. */
  private run: Attempt | undefined = undefined;
  private runStartedAt = 0;
  /** The runs beside that one that have not ended. */
  private others: Map<Attempt, number> | undefined = undefined;

  private constructor(clock: Clock, ofRuns: boolean) {
    this.clock = clock;
    this.startedAt = clock.now();
    this.ofRuns = ofRuns;
  }

  /** The times of a call that begins now; undefined where nobody wants to know them. */
  static wantedBy(channel: EventChannel, clock: Clock): CallTimes | undefined {
    const ofRuns = channel.wants('attempt-ended') || channel.wants('late-result');
    return ofRuns || channel.wants('call-ended') ? new CallTimes(clock, ofRuns) : undefined;
  }

  /** How long the call has taken. */
  durationMs(): number {
    return this.clock.now() - this.startedAt;
  }

  runStarted(run: Attempt): void {
    if (!this.ofRuns) return;
    const now = this.clock.now();
    if (this.run !== undefined) {
      (this.others ??= new Map()).set(run, now);
      return;
    }
    this.run = run;
    this.runStartedAt = now;
  }

  /** A run ends, and nobody wants to know how long it took. */
  forget(run: Attempt): void {
    if (run === this.run) this.run = undefined;
    else this.others?.delete(run);
  }

  /** How long a run took that ends now; undefined where that was not kept. */
  runEnded(run: Attempt): number | undefined {
    if (run === this.run) {
      this.run = undefined;
      return this.clock.now() - this.runStartedAt;
    }
    const startedAt = this.others?.get(run);
    if (startedAt === undefined) return undefined;
    this.others!.delete(run);
    return this.clock.now() - startedAt;
  }
}
