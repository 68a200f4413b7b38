import type { Clock, MonotonicMs, Timer, WallMs } from './clock.ts';
import { VirtualTimer, VirtualTimers } from './virtual-timers.ts';

/** What a virtual clock starts with. */
export interface VirtualClockOptions {
  /** The monotonic time at the start, in milliseconds; default 0. */
  readonly startMs?: number;
  /** The wall-clock time at the start, in milliseconds since 1970; default 2026-01-01T00:00:00Z. */
  readonly wallTimeMs?: number;
}

/** How many timers fire at most before a program counts as one that always sets another. */
const MOST_TIMERS = 10_000;

/**
 * A clock that stands still until it is told to move. Timers fire in the order of their times, those of one time in
 * the order in which they were set, and after each the program runs on until it waits for something else, so that
 * after `await clock.advance(ms)` everything has happened that would have happened in `ms`. No real time passes.
 *
 * Moves that are begun while another is under way follow it.
 */
export class VirtualClock implements Clock {
  #now: number;
  #wallOffset: number;
  #lastMove: Promise<unknown> = Promise.resolve();
  readonly #timers: VirtualTimers = new VirtualTimers();

  constructor(options: VirtualClockOptions = {}) {
    this.#now = finite('startMs', options.startMs ?? 0);
    this.#wallOffset = finite('wallTimeMs', options.wallTimeMs ?? Date.UTC(2026, 0, 1)) - this.#now;
  }

  now(): MonotonicMs {
    return this.#now as MonotonicMs;
  }

  wallTime(): WallMs {
    return (this.#now + this.#wallOffset) as WallMs;
  }

  /** @throws RangeError when the delay is not finite: no platform keeps such a timer. */
  setTimer(delayMs: number, callback: () => void, background = false): Timer {
    const dueAt = this.#now + Math.max(0, finite('delayMs', delayMs));
    return new VirtualTimer(this.#timers, dueAt, background, callback);
  }

  /** How many timers are set and have not fired. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, in monotonic milliseconds; undefined when none is set. */
  get nextTimerAt(): number | undefined {
    return this.#timers.nextDueAt;
  }

  /**
   * Lets `ms` milliseconds pass: fires what is due on the way, each at its own time. An error that a timer's callback
   * throws rejects the promise, with the clock at that timer's time.
   *
   * @throws RangeError when `ms` is negative or not finite: time doesn't go back, and has no end.
   */
  advance(ms: number): Promise<void> {
    return this.#move(() => this.#passTo(this.#now + forward(ms)));
  }

  /** The same, up to a moment of {@link VirtualClock.now}. */
  advanceTo(momentMs: number): Promise<void> {
    return this.#move(() => this.#passTo(this.#now + forward(momentMs - this.#now)));
  }

  /** Goes to the next timer and fires it; false when none is set. */
  advanceToNextTimer(): Promise<boolean> {
    return this.#move(() => this.#fireNext());
  }

  /**
   * Fires timers until none is left, or only such as would not keep a process alive.
   *
   * @param maxTimers How many may fire at most, against programs that always set another; default 10,000.
   * @throws RangeError when more would have to fire.
   */
  runAll(maxTimers: number = MOST_TIMERS): Promise<void> {
    return this.#move(() => this.#fireWhile(() => this.#timers.holdsForeground, maxTimers));
  }

  /**
   * Fires timers until `promise` has settled, and gives what it gives: `await clock.settle(calls.execute(load))`.
   *
   * @param maxTimers How many may fire at most; default 10,000.
   * @throws RangeError when it has not settled by then, or no timer is left that could make it.
   */
  async settle<T>(promise: PromiseLike<T>, maxTimers: number = MOST_TIMERS): Promise<T> {
    let pending = true;
    const settled = (): void => void (pending = false);
    promise.then(settled, settled);
    await this.#move(() => this.#fireWhile(() => pending, maxTimers));
    return promise;
  }

  /** Moves the wall clock by `ms`, forwards or backwards, as an administrator or NTP does; monotonic time stays. */
  jumpWallTime(ms: number): void {
    this.#wallOffset += finite('ms', ms);
  }

  /** Sets the wall clock, in milliseconds since 1970; monotonic time stays. */
  setWallTime(wallTimeMs: number): void {
    this.#wallOffset = finite('wallTimeMs', wallTimeMs) - this.#now;
  }

  /** Two moves at once would count the same time twice. */
  #move<T>(task: () => Promise<T>): Promise<T> {
    const moved = this.#lastMove.then(programIdle).then(task);
    this.#lastMove = moved.catch(() => undefined);
    return moved;
  }

  async #passTo(momentMs: number): Promise<void> {
    while ((this.nextTimerAt ?? Infinity) <= momentMs) await this.#fireNext();
    this.#now = momentMs;
  }

  async #fireWhile(goOn: () => boolean, maxTimers: number): Promise<void> {
    for (let fired = 0; goOn(); fired++) {
      if (fired >= maxTimers) throw new RangeError(`${maxTimers} timers have fired, and there is no end to it`);
      if (!(await this.#fireNext())) throw new RangeError('the promise is pending, and no timer is set');
    }
  }

  async #fireNext(): Promise<boolean> {
    const timer = this.#timers.takeNext();
    if (timer === undefined) return false;
    this.#now = Math.max(this.#now, timer.dueAt);
    timer.callback();
    await programIdle();
    return true;
  }
}

function finite(name: string, ms: number): number {
  if (Number.isFinite(ms)) return ms;
  throw new RangeError(`${name}: expected finite milliseconds, received ${ms}`);
}

function forward(ms: number): number {
  if (ms >= 0) return finite('ms', ms);
  throw new RangeError(`a clock goes forward only: expected milliseconds of at least 0, received ${ms}`);
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
