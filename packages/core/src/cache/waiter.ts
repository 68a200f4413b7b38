/**
 * Somebody who waits for a load: a caller with its own signal and its own two time limits. It leaves when the first of
 * them says so, and the load goes on.
 */
import { TimeoutEntry, type TimeoutLane, type TimeoutQueue } from '../clock/timeout-queue.ts';
import { AbortSubscription } from '../policy/abort-subscription.ts';
import type { CacheEntry } from './cache-entry.ts';
import type { Loader } from './loader.ts';
import type { CacheKey } from './cache-key.ts';
import type { ResolvedEntryOptions } from './options.ts';

/** What a caller has asked for. */
export interface LoadRequest<Value> {
  /** The key as the caller gave it: what its loader is told. */
  readonly key: CacheKey;
  /** The key as memory knows it. */
  readonly text: string;
  /** Undefined for a caller who only looks. */
  readonly loader: Loader<Value, never> | undefined;
  readonly options: ResolvedEntryOptions;
}

/** What a waiter asks when one of its limits is reached. */
export interface WaiterOwner<Value> {
  softTimeout(waiter: Waiter<Value>): void;
  hardTimeout(waiter: Waiter<Value>): void;
  /** It has left, or is served. */
  left(waiter: Waiter<Value>): void;
}

class Limit extends TimeoutEntry {
  private readonly lane: TimeoutLane;
  private readonly reached: () => void;

  constructor(lane: TimeoutLane, reached: () => void) {
    super();
    this.lane = lane;
    this.reached = reached;
    lane.add(this);
  }

  override onTimeout(): void {
    this.reached();
  }

  end(): void {
    this.lane.remove(this);
  }
}

export class Waiter<Value> extends AbortSubscription {
  readonly promise: Promise<Value>;
  readonly request: LoadRequest<Value>;
  /** The stale value that it would take. */
  readonly stale: CacheEntry<Value> | undefined;
  /** How many invalidations there had been when it came. */
  readonly sequence: number;
  /** Whose load it waits for. */
  owner: WaiterOwner<Value>;
  private resolve!: (value: Value) => void;
  private reject!: (error: unknown) => void;
  private soft: Limit | undefined = undefined;
  private hard: Limit | undefined = undefined;
  private done = false;

  constructor(
    owner: WaiterOwner<Value>,
    request: LoadRequest<Value>,
    stale: CacheEntry<Value> | undefined,
    sequence: number,
  ) {
    super();
    this.owner = owner;
    this.request = request;
    this.stale = stale;
    this.sequence = sequence;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Starts its time limits, and to listen to its signal, which must not be aborted. */
  begin(queue: TimeoutQueue): void {
    const { signal, softTimeoutMs, hardTimeoutMs } = this.request.options;
    if (signal !== undefined) this.subscribe(signal);
    if (softTimeoutMs !== Infinity)
      this.soft = new Limit(queue.lane(softTimeoutMs), () => this.owner.softTimeout(this));
    if (hardTimeoutMs !== Infinity)
      this.hard = new Limit(queue.lane(hardTimeoutMs), () => this.owner.hardTimeout(this));
  }

  override onAbort(reason: unknown): void {
    this.fail(reason);
  }

  serve(value: Value): void {
    if (this.leave()) this.resolve(value);
  }

  fail(error: unknown): void {
    if (this.leave()) this.reject(error);
  }

  /** Lets go of everything that would end the wait; false when that has happened before. */
  private leave(): boolean {
    if (this.done) return false;
    this.done = true;
    this.soft?.end();
    this.hard?.end();
    if (this.request.options.signal !== undefined) this.unsubscribe(this.request.options.signal);
    this.owner.left(this);
    return true;
  }
}
