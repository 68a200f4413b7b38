import type { TimeoutLane } from '../clock/timeout-queue.ts';
import { callContexts, type InContext } from '../pipeline/call-context.ts';
import { AbortSubscription } from '../policy/abort-subscription.ts';
import { IntrusiveList, ListNode } from '../structures/intrusive-list.ts';
import { Limit } from './timed.ts';

/** Somebody who waits for a resource. */
export class Waiter<T> extends ListNode {
  readonly since: number;
  readonly timeoutMs: number;
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  private limit: Limit | undefined = undefined;
  private readonly signal: AbortSignal | undefined;
  private subscription: Departure | undefined = undefined;
  private readonly inContext: InContext | undefined = callContexts.capture?.();

  constructor(since: number, timeoutMs: number, signal: AbortSignal | undefined) {
    super();
    this.since = since;
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Begins to watch the time and the signal. */
  watch(lane: TimeoutLane, late: () => void, aborted: (reason: unknown) => void): void {
    this.limit = new Limit(lane, late);
    if (this.signal === undefined) return;
    this.subscription = new Departure(aborted);
    this.subscription.subscribe(this.signal);
  }

  /** Does something in what surrounded who waits, where that is kept: somebody else may have given what was waited for. */
  within(action: () => void): void {
    if (this.inContext === undefined) action();
    else this.inContext(action);
  }

  stopWatching(): void {
    this.limit?.end();
    if (this.signal !== undefined) this.subscription?.unsubscribe(this.signal);
  }
}

class Departure extends AbortSubscription {
  private readonly aborted: (reason: unknown) => void;

  constructor(aborted: (reason: unknown) => void) {
    super();
    this.aborted = aborted;
  }

  override onAbort(reason: unknown): void {
    this.aborted(reason);
  }
}

/** Those who wait, in the order in which they came. */
export class WaitingLine<T> {
  private readonly line: IntrusiveList<Waiter<T>> = new IntrusiveList();
  private count = 0;

  get length(): number {
    return this.count;
  }

  join(waiter: Waiter<T>): void {
    this.line.append(waiter);
    this.count++;
  }

  /** Takes out who has waited longest. */
  shift(): Waiter<T> | undefined {
    const { first } = this.line;
    if (first !== undefined) this.leave(first);
    return first;
  }

  leave(waiter: Waiter<T>): void {
    waiter.stopWatching();
    if (this.line.remove(waiter)) this.count--;
  }
}
