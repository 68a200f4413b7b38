import { ListNode } from '../structures/intrusive-list.ts';

/** A resource of the pool, from its making to its end; in the list of idle ones while it is idle. */
export class Member<Resource> extends ListNode {
  readonly resource: Resource;
  readonly createdAt: number;
  /** When it is old enough to be replaced. */
  readonly recycleAt: number;
  state: 'idle' | 'checking' | 'leased' | 'ending' = 'checking';
  /** Since when it has been idle, or on loan. */
  since: number;
  /** When it was last known to be well; -Infinity when there is doubt. */
  wellAt: number;
  /** What it died of by itself. */
  death: { readonly error: unknown } | undefined = undefined;

  constructor(resource: Resource, now: number, recycleAt: number) {
    super();
    this.resource = resource;
    this.createdAt = now;
    this.since = now;
    this.wellAt = now;
    this.recycleAt = recycleAt;
  }
}
