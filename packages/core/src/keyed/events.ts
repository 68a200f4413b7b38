import type { EventMap } from '../events/event.ts';

/** A key, which the event carries, was forgotten with its policy. */
export interface KeyEvictedEvent {
  /** `idle`: nobody had used it for long. `full`: another key needed its place. */
  readonly reason: 'idle' | 'full';
}

/** A call was refused because all keys that may be remembered are in use. */
export interface KeyRefusedEvent {
  readonly maxKeys: number;
  readonly outcome: 'refused';
}

/** The events of a keyed policy itself. */
export interface KeyEvents {
  'key-evicted': KeyEvictedEvent;
  'key-refused': KeyRefusedEvent;
}

/** What a policy of type `P` says that it tells. */
export type EventsIn<P> = P extends { readonly '~types'?: infer T }
  ? NonNullable<T> extends { readonly events: infer Events extends EventMap }
    ? Events
    : EventMap
  : EventMap;
