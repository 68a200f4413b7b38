import { TimeoutEntry, type TimeoutLane } from '../clock/timeout-queue.ts';
import type { CacheEntry } from './cache-entry.ts';
import { LoadAnswer } from './loader.ts';
import type { TierAnswer } from './tier/tier-answer.ts';
import type { TierAsker } from './tier/tier-question.ts';
import type { LoadRequest, Waiter, WaiterOwner } from './waiter.ts';

/** Told what happens to a flight from outside. */
export interface FlightObserver<Value> {
  softTimeout(flight: Flight<Value>, waiter: Waiter<Value>): void;
  hardTimeout(waiter: Waiter<Value>): void;
  loadTimedOut(flight: Flight<Value>): void;
  tierAnswered(flight: Flight<Value>, answer: TierAnswer<Value>): void;
  tierFailed(flight: Flight<Value>, error: unknown): void;
}

/** One load of one key, and everybody who waits for it. */
export class Flight<Value> extends TimeoutEntry implements WaiterOwner<Value>, TierAsker<Value> {
  /** Where its time limit runs. */
  readonly lane: TimeoutLane;
  readonly request: LoadRequest<Value>;
  /** How many invalidations there had been when it began. */
  readonly sequence: number;
  readonly startedAt: number;
  /** The value that it is to replace. */
  stale: CacheEntry<Value> | undefined;
  /** What the second tier said when it began. */
  tierAnswer: TierAnswer<Value> | undefined = undefined;
  /** The writing of what it loaded to the second tier. */
  written: Promise<void> | undefined = undefined;
  /** Its key was deleted or set meanwhile: what it loads is not kept. */
  invalidated = false;
  /** Its callers have their answer; what comes now comes late. */
  ended = false;
  private readonly observer: FlightObserver<Value>;
  private said: LoadAnswer<Value> | undefined = undefined;
  /** The one who waits, as long as there has been no other: most flights have one caller, and need no set. */
  private only: Waiter<Value> | undefined = undefined;
  /** Those who wait, once there have been two. */
  private all: Set<Waiter<Value>> | undefined = undefined;

  constructor(
    observer: FlightObserver<Value>,
    lane: TimeoutLane,
    request: LoadRequest<Value>,
    stale: CacheEntry<Value> | undefined,
    sequence: number,
    startedAt: number,
  ) {
    super();
    this.observer = observer;
    this.lane = lane;
    this.request = request;
    this.stale = stale;
    this.sequence = sequence;
    this.startedAt = startedAt;
  }

  /** What its loader says; flights that load nothing have none. */
  get answer(): LoadAnswer<Value> {
    this.said ??= new LoadAnswer();
    return this.said;
  }

  /** Those who wait now, in the order in which they came. */
  get waiters(): readonly Waiter<Value>[] {
    if (this.all !== undefined) return [...this.all];
    return this.only === undefined ? [] : [this.only];
  }

  board(waiter: Waiter<Value>): void {
    waiter.owner = this;
    if (this.all !== undefined) this.all.add(waiter);
    else if (this.only === undefined) this.only = waiter;
    else this.all = new Set([this.only, waiter]);
  }

  softTimeout(waiter: Waiter<Value>): void {
    this.observer.softTimeout(this, waiter);
  }

  hardTimeout(waiter: Waiter<Value>): void {
    this.observer.hardTimeout(waiter);
  }

  left(waiter: Waiter<Value>): void {
    if (this.all !== undefined) this.all.delete(waiter);
    else if (this.only === waiter) this.only = undefined;
  }

  tierAnswered(answer: TierAnswer<Value>): void {
    this.observer.tierAnswered(this, answer);
  }

  tierFailed(error: unknown): void {
    this.observer.tierFailed(this, error);
  }

  override onTimeout(): void {
    this.observer.loadTimedOut(this);
  }
}
