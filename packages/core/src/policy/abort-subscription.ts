/**
 * Listening to an AbortSignal costs a microsecond, and its list of listeners is searched from the front: 40,000 waiters
 * on one signal take seconds. So each signal gets one listener from us however many calls wait on it, and the calls
 * stand in a list of our own. The listener goes when the last of them has.
 */
import { IntrusiveList, ListNode } from '../structures/intrusive-list.ts';

let aborts = 0;

/** How many aborts have been told so far: the same number for all who are told of one, so that they know it was one moment. */
export function abortsTold(): number {
  return aborts;
}

/** Somebody who wants to know when a signal is aborted. */
export abstract class AbortSubscription extends ListNode {
  /** Called once, with the signal's reason. Must not throw. */
  abstract onAbort(reason: unknown): void;

  /** Starts to listen. The signal must not be aborted yet. */
  subscribe(signal: AbortSignal): void {
    let fan = fans.get(signal);
    if (fan === undefined) fans.set(signal, (fan = new AbortFan(signal)));
    fan.add(this);
  }

  /** Stops to listen; harmless when it does not. */
  unsubscribe(signal: AbortSignal): void {
    fans.get(signal)?.delete(this);
  }
}

class AbortFan {
  private readonly signal: AbortSignal;
  private readonly waiting: IntrusiveList<AbortSubscription> = new IntrusiveList();

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  add(subscription: AbortSubscription): void {
    if (this.waiting.isEmpty) this.signal.addEventListener('abort', this);
    this.waiting.append(subscription);
  }

  delete(subscription: AbortSubscription): void {
    if (this.waiting.remove(subscription) && this.waiting.isEmpty) this.signal.removeEventListener('abort', this);
  }

  handleEvent(): void {
    this.signal.removeEventListener('abort', this);
    const { reason } = this.signal;
    aborts++;
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) next.onAbort(reason);
  }
}

const fans: WeakMap<AbortSignal, AbortFan> = new WeakMap();
