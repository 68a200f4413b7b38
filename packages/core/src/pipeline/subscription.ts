import type { AnyEventSource } from '../policy/policy.ts';

/** A listener of a pipeline, which hears all sources that there are at the time. */
export class Subscription {
  private readonly type: string;
  private readonly listener: (event: never) => void;
  private readonly stops: Map<AnyEventSource, () => void> = new Map();

  constructor(type: string, listener: (event: never) => void) {
    this.type = type;
    this.listener = listener;
  }

  /** Listens to these sources, and to no others any more. */
  follow(sources: ReadonlySet<AnyEventSource | undefined>): void {
    for (const [source, stop] of this.stops) {
      if (sources.has(source)) continue;
      stop();
      this.stops.delete(source);
    }
    for (const source of sources) {
      if (source !== undefined && !this.stops.has(source))
        this.stops.set(source, source.on(this.type as never, this.listener as never));
    }
  }
}
