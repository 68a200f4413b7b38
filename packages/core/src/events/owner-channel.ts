import type { Clock } from '../clock/clock.ts';
import { EventChannel } from './channel.ts';
import type { EventMap } from './event.ts';

/**
 * The events of one who tells of itself: a pool, a cache, a monitor. No call of a pipeline causes them, and the name of
 * their owner stands for that of a policy.
 */
export class OwnerChannel<Events extends EventMap> extends EventChannel<Events> {
  private readonly owner: string | undefined;
  private readonly clock: () => Clock;

  /**
   * @param owner Its name; undefined where it has none.
   * @param clock Its clock, which a policy may get only later.
   */
  constructor(owner: string | undefined, clock: () => Clock) {
    super();
    this.owner = owner;
    this.clock = clock;
  }

  /**
   * Tells an event, if anybody listens. Who tells many asks {@link EventChannel.wants} before it puts the facts together.
   *
   * @param key What it is about, for one who keeps things by key.
   */
  tell<Type extends keyof Events & string>(type: Type, facts: Events[Type], key?: string): void {
    if (!this.wants(type)) return;
    this.emit({ type, pipeline: undefined, policy: this.owner, key, timestamp: this.clock().wallTime(), ...facts });
  }
}
