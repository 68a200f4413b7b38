import { IntrusiveList } from '../structures/intrusive-list.ts';
import type { Member } from './member.ts';

/** How long a resource may be idle. */
interface IdleLimits {
  readonly idleTimeoutMs: number;
}

/** The resources of a pool that nobody uses, in the order in which they came to rest: the freshest is lent first. */
export class IdleMembers<Resource> {
  count = 0;
  private readonly list: IntrusiveList<Member<Resource>> = new IntrusiveList();
  private readonly idleTimeoutMs: number;

  constructor({ idleTimeoutMs }: IdleLimits) {
    this.idleTimeoutMs = idleTimeoutMs;
  }

  get freshest(): Member<Resource> | undefined {
    return this.list.last;
  }

  /** Gives the time at which it will have been here too long, or be too old. */
  put(member: Member<Resource>, now: number): number {
    member.state = 'idle';
    member.since = now;
    this.list.append(member);
    this.count++;
    return Math.min(member.recycleAt, now + this.idleTimeoutMs);
  }

  take(member: Member<Resource>): Member<Resource> {
    this.list.remove(member);
    this.count--;
    member.state = 'leased';
    return member;
  }

  /** Takes the one that has been idle longest. */
  takeOldest(): Member<Resource> | undefined {
    const oldest = this.list.first;
    return oldest === undefined ? undefined : this.take(oldest);
  }

  /**
   * Takes out what is too old, and what has been idle for too long and can be spared, and hands it to `end`. Gives the
   * time at which there may be more to do; Infinity for never.
   */
  sweep(
    now: number,
    canSpare: () => boolean,
    end: (member: Member<Resource>, reason: 'recycled' | 'idle') => void,
  ): number {
    let dueAt = Infinity;
    for (const member of [...this.list]) {
      const aged = now >= member.recycleAt;
      const spare = canSpare();
      if (aged || (spare && now >= member.since + this.idleTimeoutMs)) {
        end(this.take(member), aged ? 'recycled' : 'idle');
      } else dueAt = Math.min(dueAt, member.recycleAt, spare ? member.since + this.idleTimeoutMs : Infinity);
    }
    return dueAt;
  }
}
