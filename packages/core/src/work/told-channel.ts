import type { Clock } from '../clock/clock.ts';
import { EventChannel } from '../events/channel.ts';
import type { EventMap } from '../events/event.ts';

/** The events of one pool or batcher: no call of a pipeline causes them, and its name stands for that of a policy. */
export class ToldChannel<Events extends EventMap> extends EventChannel<Events> {
  private readonly name: string;
  private readonly clock: Clock;

  constructor(name: string, clock: Clock) {
    super();
    this.name = name;
    this.clock = clock;
  }

  /** Tells an event that somebody listens to, as {@link EventChannel.wants} says. */
  tell(type: keyof Events & string, facts: object): void {
    this.emit({
      type,
      pipeline: undefined,
      policy: this.name,
      key: undefined,
      timestamp: this.clock.wallTime(),
      ...facts,
    });
  }
}
