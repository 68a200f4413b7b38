import type { Clock } from '../clock/clock.ts';
import type { EventChannel } from '../events/channel.ts';
import type { Attempt } from './attempt.ts';

/** When a call and its runs of the function began: kept where somebody wants to be told how long they took. */
export class CallTimes {
  private readonly clock: Clock;
  private readonly startedAt: number;
  /** Runs that have not ended; undefined where nobody listens to their ends. */
  private readonly runs: Map<Attempt, number> | undefined;

  private constructor(clock: Clock, ofRuns: boolean) {
    this.clock = clock;
    this.startedAt = clock.now();
    this.runs = ofRuns ? new Map() : undefined;
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
    this.runs?.set(run, this.clock.now());
  }

  /** How long a run took that ends now; undefined where that was not kept. */
  runEnded(run: Attempt): number | undefined {
    const startedAt = this.runs?.get(run);
    if (startedAt === undefined) return undefined;
    this.runs!.delete(run);
    return this.clock.now() - startedAt;
  }
}
