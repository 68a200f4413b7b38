import type { Clock, Timer } from '../clock/clock.ts';

/** One background timer for all that falls due in a pool; it never keeps the process alive. */
export class Upkeep {
  private readonly clock: Clock;
  private readonly work: (now: number) => void;
  private timer: Timer | undefined = undefined;
  private dueAt = Infinity;

  constructor(clock: Clock, work: (now: number) => void) {
    this.clock = clock;
    this.work = work;
  }

  /** Makes sure that the work is done at `dueAt` or before. */
  at(dueAt: number): void {
    if (dueAt >= this.dueAt) return;
    this.stop();
    this.dueAt = dueAt;
    this.timer = this.clock.setTimer(
      Math.max(0, dueAt - this.clock.now()),
      () => {
        this.dueAt = Infinity;
        this.timer = undefined;
        this.work(this.clock.now());
      },
      true,
    );
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.dueAt = Infinity;
  }
}
