/**
 * Whether the store is asked at all.
 *
 * One question that takes longer than the soft deadline makes the store suspect: nobody else waits for it until that
 * question has ended. When it ends well, all is well; when it fails, or the hard deadline passes, the store is away. Then
 * it is pinged in the background, and asked again once a ping has been answered. So an outage costs the calls that are
 * under way one soft deadline, and the later ones nothing; and no restart is needed afterwards.
 */
import type { Clock, Timer } from '../clock/clock.ts';

/** `up`: asked. `suspect`: a question is slow. `away`: pinged until it answers. */
export type StoreState = 'up' | 'suspect' | 'away';

/** How health looks at its store. */
export interface HealthProbe {
  /** Resolves when the store answers. */
  ping(): Promise<unknown>;
  stateChanged(state: StoreState, before: StoreState): void;
}

export class StoreHealth {
  private readonly clock: Clock;
  private readonly probe: HealthProbe;
  private readonly pingMs: number;
  private current: StoreState = 'up';
  private timer: Timer | undefined = undefined;
  private closed = false;

  constructor(clock: Clock, probe: HealthProbe, pingMs: number) {
    this.clock = clock;
    this.probe = probe;
    this.pingMs = pingMs;
  }

  get state(): StoreState {
    return this.current;
  }

  /** A question takes longer than it should. */
  slow(): void {
    if (this.current === 'up') this.become('suspect');
  }

  /** A question was answered. */
  answered(): void {
    if (this.current === 'suspect') this.become('up');
  }

  /** A question failed. */
  failed(): void {
    if (this.current !== 'away') this.become('away');
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  private become(state: StoreState): void {
    const before = this.current;
    this.current = state;
    if (state === 'away') this.schedule();
    this.probe.stateChanged(state, before);
  }

  private schedule(): void {
    if (this.closed) return;
    this.timer = this.clock.setTimer(this.pingMs, () => void this.ping(), true);
  }

  private async ping(): Promise<void> {
    try {
      await this.probe.ping();
    } catch {
      // Still away; that was told when it went.
      this.schedule();
      return;
    }
    if (!this.closed) this.become('up');
  }
}
