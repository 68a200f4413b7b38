import type { Random } from 'breakwater/clock';
import { exponentialMs, type SimulatedTime } from './simulated-time.ts';

/** A number of servers behind a queue without bound, which takes whatever comes and answers in order. */
export class SimulatedUpstream {
  private readonly time: SimulatedTime;
  private readonly random: Random;
  private readonly meanServiceMs: number;
  private readonly queue: (() => void)[] = [];
  private idle: number;
  /** Where the queue begins: shifting a long array would take longer than all the rest. */
  private head = 0;

  constructor(time: SimulatedTime, random: Random, servers: number, meanServiceMs: number) {
    this.time = time;
    this.random = random;
    this.idle = servers;
    this.meanServiceMs = meanServiceMs;
  }

  serve(): Promise<void> {
    return new Promise((resolve) => {
      if (this.idle === 0) this.queue.push(resolve);
      else {
        this.idle--;
        this.start(resolve);
      }
    });
  }

  private start(resolve: () => void): void {
    this.time.setTimer(exponentialMs(this.random, this.meanServiceMs), () => {
      resolve();
      if (this.head < this.queue.length) this.start(this.queue[this.head++]!);
      else this.idle++;
    });
  }
}
