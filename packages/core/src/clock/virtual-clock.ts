import type { Clock, MonotonicMs, Timer, WallMs } from './clock.ts';

class VirtualTimer implements Timer {
  readonly dueAt: number;
  readonly callback: () => void;
  readonly #timers: Set<VirtualTimer>;

  constructor(timers: Set<VirtualTimer>, dueAt: number, callback: () => void) {
    this.#timers = timers;
    this.dueAt = dueAt;
    this.callback = callback;
    timers.add(this);
  }

  cancel(): void {
    this.#timers.delete(this);
  }
}

/** What a virtual clock starts with. */
export interface VirtualClockOptions {
  /** The monotonic time at the start, in milliseconds; default 0. */
  readonly startMs?: number;
  /** The wall-clock time at the start, in milliseconds since 1970; default 2026-01-01T00:00:00Z. */
  readonly wallTimeMs?: number;
}

/**
 * A clock that stands still until it is told to move. Timers fire in the order of their times, those of one time in
 * the order in which they were set, and after each the program runs on until it waits for something else, so that
 * after `await clock.advance(ms)` everything has happened that would have happened in `ms`. No real time passes.
 */
export class VirtualClock implements Clock {
  #now: number;
  #wallOffset: number;
  readonly #timers: Set<VirtualTimer> = new Set();

  constructor(options: VirtualClockOptions = {}) {
    this.#now = options.startMs ?? 0;
    this.#wallOffset = (options.wallTimeMs ?? Date.UTC(2026, 0, 1)) - this.#now;
  }

  now(): MonotonicMs {
    return this.#now as MonotonicMs;
  }

  wallTime(): WallMs {
    return (this.#now + this.#wallOffset) as WallMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return new VirtualTimer(this.#timers, this.#now + Math.max(0, delayMs), callback);
  }

  /** How many timers are set and have not fired. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, in monotonic milliseconds; undefined when none is set. */
  get nextTimerAt(): number | undefined {
    return this.#next()?.dueAt;
  }

  /** Lets `ms` milliseconds pass: fires what is due on the way, each at its own time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await programIdle();
    for (let timer = this.#next(); timer !== undefined && timer.dueAt <= until; timer = this.#next()) {
      await this.#fire(timer);
    }
    this.#now = Math.max(this.#now, until);
  }

  /** Goes to the next timer and fires it; false when none is set. */
  async advanceToNextTimer(): Promise<boolean> {
    await programIdle();
    const timer = this.#next();
    if (timer === undefined) return false;
    await this.#fire(timer);
    return true;
  }

  /**
   * Fires timers until none is left.
   *
   * @param maxTimers How many may fire at most, against programs that always set another; default 10,000.
   * @throws RangeError when more would have to fire.
   */
  async runAll(maxTimers = 10_000): Promise<void> {
    for (let fired = 0; await this.advanceToNextTimer(); fired++) {
      if (fired >= maxTimers) throw new RangeError(`more than ${maxTimers} timers fired, and another is set`);
    }
  }

  /** Moves the wall clock by `ms`, forwards or backwards, as an administrator or NTP does; monotonic time stays. */
  jumpWallTime(ms: number): void {
    this.#wallOffset += ms;
  }

  async #fire(timer: VirtualTimer): Promise<void> {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.dueAt);
    timer.callback();
    await programIdle();
  }

  #next(): VirtualTimer | undefined {
    let first: VirtualTimer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.dueAt < first.dueAt) first = timer;
    }
    return first;
  }
}

/** Resolves when all microtasks have run, however long their chain: one turn of the event loop. */
function programIdle(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else {
      const channel = new MessageChannel();
      channel.port1.addEventListener('message', () => {
        channel.port1.close();
        resolve();
      });
      channel.port1.start();
      channel.port2.postMessage(undefined);
    }
  });
}

/** Present on Node, Deno and Bun; absent in browsers. */
declare const setImmediate: ((callback: () => void) => unknown) | undefined;
