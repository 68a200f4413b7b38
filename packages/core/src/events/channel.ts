import type { AnyEventOf, EventEnvelope, EventMap, EventOf, EventSource, HookFailedEvent } from './event.ts';

type Listener = (event: EventEnvelope) => void;

/**
 * Carries events to those who listen, at once and in the order in which they subscribed. Free when nobody listens:
 * who tells an event asks {@link EventChannel.wants} first, and makes none for nobody.
 */
export class EventChannel<Events extends EventMap = EventMap> implements EventSource<Events> {
  private readonly listeners: Map<string, Set<Listener>> = new Map();

  on<Type extends keyof Events & string>(type: Type, listener: (event: EventOf<Events, Type>) => void): () => void;
  on(type: '*', listener: (event: AnyEventOf<Events>) => void): () => void;
  on(type: string, listener: (event: never) => void): () => void {
    const added: Listener = (event) => listener(event as never);
    const listeners = this.listeners.get(type) ?? new Set();
    this.listeners.set(type, listeners.add(added));
    return () => {
      listeners.delete(added);
      if (listeners.size === 0 && this.listeners.get(type) === listeners) this.listeners.delete(type);
    };
  }

  /** Whether anybody listens to anything. */
  get isHeard(): boolean {
    return this.listeners.size !== 0;
  }

  /** Whether anybody listens to events of this type. */
  wants(type: string): boolean {
    return this.isHeard && (this.listeners.has(type) || this.listeners.has('*'));
  }

  /** Hands `event` to its listeners. One that throws becomes a `hook-failed` event. */
  emit(event: EventEnvelope): void {
    for (const type of [event.type, '*']) {
      const listeners = this.listeners.get(type);
      if (listeners === undefined) continue;
      // Who subscribes meanwhile hears the next event; who unsubscribes meanwhile hears this one no more.
      for (const listener of [...listeners]) {
        if (!listeners.has(listener)) continue;
        try {
          listener(event);
        } catch (error) {
          this.listenerFailed(event, error);
        }
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
