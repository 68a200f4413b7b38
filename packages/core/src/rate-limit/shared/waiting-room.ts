/**
 * Those who wait in `acquire` for their places in time, which the store has given them already. Places of the same key
 * and cost are alike: when one comes up it goes to the most urgent of this process who wait for such. Who leaves early
 * leaves the latest of the places behind, which is given back.
 */
import type { Clock, Timer } from '../../clock/clock.ts';
import { timeoutQueueOf } from '../../clock/timeout-queue.ts';
import { AbortSubscription } from '../../policy/abort-subscription.ts';
import { PRIORITY_LEVELS } from '../../policy/priority.ts';
import { LeveledNode, LevelQueue } from '../../structures/level-queue.ts';
import { type Due, DueHeap } from '../../structures/due-heap.ts';
import { WaitExpiry } from '../queue/waiter.ts';

/** A place in time that the store has given. */
export interface Place {
  /** Its name at the store. */
  readonly id: string;
  readonly atMs: number;
}

/** How a wait ended without a place. */
export type LeftEarly = { readonly reason: 'expired' } | { readonly reason: 'aborted'; readonly cause: unknown };

/** Somebody who waits. */
export interface RoomGuest {
  readonly level: number;
  readonly signal: AbortSignal | undefined;
  readonly maxWaitMs: number;
  /** Its place has come up. */
  served(place: Place, waitedMs: number): void;
  left(how: LeftEarly, waitedMs: number): void;
}

class Waiting extends LeveledNode {
  readonly guest: RoomGuest;
  readonly since: number;
  expiry: WaitExpiry | undefined = undefined;
  abort: WaitAbort | undefined = undefined;

  constructor(guest: RoomGuest, since: number) {
    super(guest.level);
    this.guest = guest;
    this.since = since;
  }

  stop(): void {
    this.expiry?.cancel();
    if (this.guest.signal !== undefined) this.abort?.unsubscribe(this.guest.signal);
  }
}

class WaitAbort extends AbortSubscription {
  private readonly aborted: (cause: unknown) => void;

  constructor(aborted: (cause: unknown) => void) {
    super();
    this.aborted = aborted;
  }

  override onAbort(reason: unknown): void {
    this.aborted(reason);
  }
}

/** Those who wait for places that are alike. */
class Group implements Due {
  readonly key: string;
  readonly waiting: LevelQueue<Waiting> = new LevelQueue(PRIORITY_LEVELS);
  /** By time, the next first; as many as wait. */
  readonly places: Place[] = [];
  /** Gives a place back. */
  readonly giveBack: (place: Place) => void;
  dueAt: number = Infinity;
  heapIndex = -1;

  constructor(key: string, giveBack: (place: Place) => void) {
    this.key = key;
    this.giveBack = giveBack;
  }
}

export class WaitingRoom {
  /** How many wait. */
  size = 0;
  private readonly clock: Clock;
  private readonly groups: Map<string, Group> = new Map();
  private readonly heap: DueHeap<Group> = new DueHeap();
  private timer: Timer | undefined = undefined;
  private timerDueAt = Infinity;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Whether somebody of `level` or more urgent waits for places of this group. */
  blocks(key: string, level: number): boolean {
    return this.groups.get(key)?.waiting.hasAtLeast(level) ?? false;
  }

  /** Lets `guest` wait for one of the group's places, of which `place` is one more. */
  enter(key: string, place: Place, guest: RoomGuest, giveBack: (place: Place) => void): void {
    let group = this.groups.get(key);
    if (group === undefined) this.groups.set(key, (group = new Group(key, giveBack)));
    let at = group.places.length;
    while (at > 0 && group.places[at - 1]!.atMs > place.atMs) at--;
    group.places.splice(at, 0, place);
    const waiting = new Waiting(guest, this.clock.now());
    group.waiting.append(waiting);
    this.size++;
    this.limit(group, waiting);
    this.schedule(group);
  }

  private limit(group: Group, waiting: Waiting): void {
    const { maxWaitMs, signal } = waiting.guest;
    if (maxWaitMs !== Infinity) {
      const lane = timeoutQueueOf(this.clock).lane(maxWaitMs);
      waiting.expiry = new WaitExpiry(lane, () => this.expire(group, waiting));
    }
    if (signal === undefined) return;
    waiting.abort = new WaitAbort((cause) => this.leave(group, waiting, { reason: 'aborted', cause }));
    waiting.abort.subscribe(signal);
  }

  private expire(group: Group, waiting: Waiting): void {
    // Whose place comes up at this very moment is not too late.
    this.serve();
    this.leave(group, waiting, { reason: 'expired' });
  }

  private leave(group: Group, waiting: Waiting, how: LeftEarly): void {
    if (!group.waiting.remove(waiting)) return;
    this.size--;
    waiting.stop();
    group.giveBack(group.places.pop()!);
    this.schedule(group);
    waiting.guest.left(how, this.clock.now() - waiting.since);
  }

  private schedule(group: Group): void {
    const next = group.places[0];
    if (next === undefined) {
      this.heap.remove(group);
      this.groups.delete(group.key);
    } else {
      group.dueAt = next.atMs;
      this.heap.place(group);
    }
    this.arm();
  }

  private arm(): void {
    const dueAt = this.heap.first?.dueAt ?? Infinity;
    if (this.timer !== undefined && dueAt !== Infinity && this.timerDueAt <= dueAt) return;
    this.timer?.cancel();
    this.timer = undefined;
    if (dueAt === Infinity) return;
    this.timerDueAt = dueAt;
    this.timer = this.clock.setTimer(Math.max(0, dueAt - this.clock.now()), () => {
      this.timer = undefined;
      this.serve();
      this.arm();
    });
  }

  private serve(): void {
    const now = this.clock.now();
    for (let group = this.heap.first; group !== undefined && group.dueAt <= now; group = this.heap.first) {
      const place = group.places.shift()!;
      const waiting = group.waiting.shift()!;
      this.size--;
      waiting.stop();
      this.schedule(group);
      waiting.guest.served(place, now - waiting.since);
    }
  }
}
