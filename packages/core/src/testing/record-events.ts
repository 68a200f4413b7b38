import type { AnyEventOf, EventEnvelope, EventMap, EventOf, EventSource } from '../events/event.ts';

/** The events that something has told since {@link recordEvents} began to listen. */
export interface EventRecording<Events extends EventMap> {
  /** All of them, the first first. */
  readonly all: readonly AnyEventOf<Events>[];
  /** The names of all of them, in the same order. */
  readonly types: readonly string[];
  /** How many were let go of because there were more than `maxEvents`. */
  readonly dropped: number;
  /** All events of one type. */
  of<Type extends keyof Events & string>(type: Type): readonly EventOf<Events, Type>[];
  /** The last event of a type; undefined when there was none. */
  last<Type extends keyof Events & string>(type: Type): EventOf<Events, Type> | undefined;
  /** Forgets what was recorded, and goes on. */
  clear(): void;
  /** Stops to listen; what was recorded stays. */
  stop(): void;
}

/** How much a recording keeps. */
export interface RecordingOptions {
  /** How many events are kept, the newest: at least 1; default 10,000. */
  readonly maxEvents?: number;
}

/**
 * Records the events of a pipeline, or of anything else that tells events, such as a breaker's `events`.
 *
 * ```ts
 * const events = recordEvents(calls);
 * await clock.settle(calls.execute(failTwice));
 * events.of('retry').map(({ delayMs }) => delayMs);
 * ```
 */
export function recordEvents<Events extends EventMap>(
  source: EventSource<Events>,
  options: RecordingOptions = {},
): EventRecording<Events> {
  return new Recording(source, options.maxEvents ?? 10_000);
}

class Recording<Events extends EventMap> implements EventRecording<Events> {
  readonly stop: () => void;
  private recorded: (EventEnvelope & AnyEventOf<Events>)[] = [];
  private droppedCount = 0;

  constructor(source: EventSource<Events>, maxEvents: number) {
    this.stop = source.on('*', (event) => {
      this.recorded.push(event);
      if (this.recorded.length <= maxEvents) return;
      this.recorded.shift();
      this.droppedCount++;
    });
  }

  get all(): readonly AnyEventOf<Events>[] {
    return [...this.recorded];
  }

  get types(): readonly string[] {
    return this.recorded.map(({ type }) => type);
  }

  get dropped(): number {
    return this.droppedCount;
  }

  of<Type extends keyof Events & string>(type: Type): readonly EventOf<Events, Type>[] {
    return this.recorded.filter((event) => event.type === type) as unknown as readonly EventOf<Events, Type>[];
  }

  last<Type extends keyof Events & string>(type: Type): EventOf<Events, Type> | undefined {
    return this.of(type).at(-1);
  }

  clear(): void {
    this.recorded = [];
    this.droppedCount = 0;
  }
}
