import type { EventEnvelope } from '../events/event.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import type { AnyEventSource } from '../policy/policy.ts';
import type { KeyEvents } from './events.ts';
import type { KeySlot } from './key-table.ts';

type Listener = (event: EventEnvelope) => void;
type Listened = { on(type: string, listener: Listener): () => void };

interface Subscription {
  readonly type: string;
  readonly listener: Listener;
  /** What ends it at each policy. */
  readonly stops: Map<object, () => void>;
}

/**
 * The events of a keyed policy, and of the policies of all its keys with the key of each. Who listens is passed on to
 * every policy, to those that come later too, so that a policy makes no event as long as nobody wants it.
 */
export class KeyedEvents implements AnyEventSource {
  readonly own: OwnerChannel<KeyEvents>;
  private readonly slots: () => Iterable<KeySlot<unknown>>;
  private readonly subscriptions: Set<Subscription> = new Set();

  /**
   * @param own What the keyed policy tells of itself.
   * @param slots Those that are there at present.
   */
  constructor(own: OwnerChannel<KeyEvents>, slots: () => Iterable<KeySlot<unknown>>) {
    this.own = own;
    this.slots = slots;
  }

  on(type: string, listener: Listener): () => void {
    const subscription: Subscription = { type, listener, stops: new Map() };
    this.subscriptions.add(subscription);
    for (const slot of this.slots()) subscribe(subscription, slot);
    const stopOwn = (this.own as Listened).on(type, listener);
    return () => {
      this.subscriptions.delete(subscription);
      for (const stop of subscription.stops.values()) stop();
      stopOwn();
    };
  }

  /** A key has come. */
  attach(slot: KeySlot<unknown>): void {
    for (const subscription of this.subscriptions) subscribe(subscription, slot);
  }

  /** A key has gone: what its policy tells is heard no more. */
  detach(slot: KeySlot<unknown>): void {
    for (const { stops } of this.subscriptions) {
      stops.get(slot)?.();
      stops.delete(slot);
    }
  }
}

function subscribe({ type, listener, stops }: Subscription, slot: KeySlot<unknown>): void {
  const source: Listened | undefined = slot.hooks.events;
  if (source === undefined) return;
  // What a policy tells of itself, without a call, has no key yet.
  const withKey: Listener = (event) => listener(event.key === undefined ? { ...event, key: slot.key } : event);
  stops.set(slot, source.on(type, withKey));
}
