import type {
  AnyEventOf,
  EventEnvelope,
  EventMap,
  EventOf,
  EventOutcome,
  EventSource,
  HookFailedEvent,
} from './event.ts';
import { outcomeHeardBy } from './only-outcome.ts';

type Listener = (event: EventEnvelope) => void;

/** Those who listen to one type of event, in the order in which they came. */
class Listeners {
  /** Each with the only outcome that it hears; undefined for all. */
  readonly all: Map<Listener, EventOutcome | undefined> = new Map();
  /** The same as a list, until they change: events are many, subscriptions few. */
  private list: readonly Listener[] | undefined = undefined;
  /** The outcomes that they hear together, undefined among them for all of them; made as the list is. */
  private outcomes: ReadonlySet<EventOutcome | undefined> | undefined = undefined;

  add(listener: Listener, outcome: EventOutcome | undefined): void {
    this.all.set(listener, outcome);
    this.changed();
  }

  delete(listener: Listener): void {
    this.all.delete(listener);
    this.changed();
  }

  /** Whether one of them hears events of this outcome. */
  hear(outcome: EventOutcome): boolean {
    this.outcomes ??= new Set(this.all.values());
    return this.outcomes.has(undefined) || this.outcomes.has(outcome);
  }

  get now(): readonly Listener[] {
    return (this.list ??= [...this.all.keys()]);
  }

  private changed(): void {
    this.list = undefined;
    this.outcomes = undefined;
  }
}

function wanted(listeners: Listeners | undefined, outcome: EventOutcome | undefined): boolean {
  return listeners !== undefined && (outcome === undefined || listeners.hear(outcome));
}

/**
 * Carries events to those who listen, at once and in the order in which they subscribed. Free when nobody listens:
 * who tells an event asks {@link EventChannel.wants} first, and makes none for nobody.
 */
export class EventChannel<Events extends EventMap = EventMap> implements EventSource<Events> {
  private readonly listeners: Map<string, Listeners> = new Map();

  on<Type extends keyof Events & string>(type: Type, listener: (event: EventOf<Events, Type>) => void): () => void;
  on(type: '*', listener: (event: AnyEventOf<Events>) => void): () => void;
  on(type: string, listener: (event: never) => void): () => void {
    const added: Listener = (event) => listener(event as never);
    const listeners = this.listeners.get(type) ?? new Listeners();
    listeners.add(added, outcomeHeardBy(listener));
    this.listeners.set(type, listeners);
    return () => {
      listeners.delete(added);
      if (listeners.all.size === 0 && this.listeners.get(type) === listeners) this.listeners.delete(type);
    };
  }

  /** Whether anybody listens to anything. */
  get isHeard(): boolean {
    return this.listeners.size !== 0;
  }

  /** Whether anybody listens to events of this type; of this outcome, where it is given. */
  wants(type: string, outcome?: EventOutcome): boolean {
    if (!this.isHeard) return false;
    return wanted(this.listeners.get(type), outcome) || wanted(this.listeners.get('*'), outcome);
  }

  /** Hands `event` to its listeners. One that throws, or rejects later, becomes a `hook-failed` event. */
  emit(event: EventEnvelope): void {
    this.hand(event, this.listeners.get(event.type));
    this.hand(event, this.listeners.get('*'));
  }

  private hand(event: EventEnvelope, listeners: Listeners | undefined): void {
    if (listeners === undefined) return;
    // Who subscribes meanwhile hears the next event; who unsubscribes meanwhile hears this one no more.
    const { all } = listeners;
    for (const listener of listeners.now) {
      if (!all.has(listener)) continue;
      try {
        // Nobody waits for a listener that is an async function, but what it rejects with is told as well.
        const result: unknown = listener(event);
        if (result instanceof Promise) result.catch((error: unknown) => this.listenerFailed(event, error));
      } catch (error) {
        this.listenerFailed(event, error);
      }
    }
  }

  private listenerFailed(event: EventEnvelope, error: unknown): void {
    // A listener of hook-failed that throws would otherwise tell itself for ever.
    if (event.type === 'hook-failed') return;
    const failed: EventEnvelope & HookFailedEvent = {
      ...event,
      type: 'hook-failed',
      hook: `listener of ${event.type}`,
      outcome: 'failure',
      error,
    };
    this.emit(failed);
  }
}
