/**
 * Timeouts are set on every call and hardly ever fire. A platform timer for each would cost more than the rest of the
 * call, and so would a reading of the clock. So timeouts of equal duration share a lane, in which a call leaves its
 * entry in O(1) without asking what time it is: on a stack of arrivals, which most entries leave before anybody looks.
 *
 * One timer ticks while any lane holds something. A tick reads the clock once, stamps what has arrived since the last
 * tick with "arrived by now at the latest" and moves it into the lane's list, which is in order of arrival and therefore
 * of expiry; expires what is due, and goes to sleep until the next expiry when nothing new came. Because the stamp is an
 * upper bound of the arrival, a timeout is never early; because ticks come at least every 1/64 of the lane's duration (1
 * to 50 ms), it is late by no more than that.
 *
 * On a clock that does not coalesce (a virtual one) every arrival is stamped at once and expires exactly on time.
 */
import { IntrusiveList, ListNode } from '../structures/intrusive-list.ts';
import { IntrusiveStack } from '../structures/intrusive-stack.ts';
import type { Clock, Timer } from './clock.ts';

const SLACK_RATIO = 1 / 64;
const LARGEST_SLACK_MS = 50;
const SMALLEST_SLACK_MS = 1;

/** Something that expires unless it is removed from its lane before. */
export abstract class TimeoutEntry extends ListNode {
  /** @internal When it expires, once that is known: from then on it stands in its lane's list. */
  expiresAt: number | undefined = undefined;
  /** Called once, on expiry, after the entry has left its lane. Must not throw. */
  abstract onTimeout(): void;
}

/** All pending timeouts of one duration on one clock. */
export class TimeoutLane {
  readonly durationMs: number;
  /** @internal */
  readonly slackMs: number;
  /** @internal Those that have come since the last tick. */
  readonly arrivals: IntrusiveStack<TimeoutEntry> = new IntrusiveStack();
  /** @internal The others, in the order in which they expire. */
  readonly stamped: IntrusiveList<TimeoutEntry> = new IntrusiveList();
  /** @internal Whether the queue looks at this lane on its ticks. */
  active = false;
  private readonly queue: TimeoutQueue;

  constructor(queue: TimeoutQueue, durationMs: number) {
    this.queue = queue;
    this.durationMs = durationMs;
    this.slackMs = Math.min(Math.max(durationMs * SLACK_RATIO, SMALLEST_SLACK_MS), LARGEST_SLACK_MS);
  }

  /** Starts the timeout of `entry`, which must not be running; it may have run before. */
  add(entry: TimeoutEntry): void {
    entry.expiresAt = undefined;
    this.arrivals.push(entry);
    if (!this.active || this.queue.needsWaking) this.queue.wake(this);
  }

  /** Ends the timeout of `entry` before it fires; harmless when it has fired. */
  remove(entry: TimeoutEntry): void {
    if (entry.expiresAt === undefined) this.arrivals.remove(entry);
    else if (this.stamped.remove(entry) && this.queue.exact && this.stamped.isEmpty) this.queue.settle(this);
  }

  /** How long until `entry` expires: at least this long, in milliseconds, 0 when it has expired. */
  remainingMs(entry: TimeoutEntry, now: number): number {
    if (entry.expiresAt === undefined) return this.durationMs;
    return Math.max(0, entry.expiresAt - now);
  }

  /** @internal */
  get isEmpty(): boolean {
    return this.arrivals.top === undefined && this.stamped.isEmpty;
  }

  /** @internal Gives every new arrival its expiry; true when there was one. */
  stamp(now: number): boolean {
    if (this.arrivals.top === undefined) return false;
    const expiresAt = now + this.durationMs;
    this.arrivals.drain((entry) => {
      entry.expiresAt = expiresAt;
      this.stamped.append(entry);
    });
    return true;
  }
}

/** The timeouts of one clock. */
export class TimeoutQueue {
  /** @internal */
  readonly exact: boolean;
  /** @internal True while a new arrival must wake the queue, even on a lane that it already looks at. */
  needsWaking: boolean;
  private readonly clock: Clock;
  private readonly active: Set<TimeoutLane> = new Set();
  private readonly byDuration: Map<number, TimeoutLane> = new Map();
  private timer: Timer | undefined = undefined;
  private timerDueAt = Infinity;
  private ticking = false;
  /** The smallest slack of the lanes that are looked at: an arrival on any of them wakes nobody once one has. */
  private slackMs = LARGEST_SLACK_MS;

  constructor(clock: Clock) {
    this.clock = clock;
    this.exact = clock.coalesces !== true;
    this.needsWaking = this.exact;
  }

  /** A lane for a duration of 0 or more milliseconds. A caller may keep it; the queue forgets it while it is empty. */
  lane(durationMs: number): TimeoutLane {
    return this.byDuration.get(durationMs) ?? new TimeoutLane(this, durationMs);
  }

  /** @internal A lane was given an entry while nobody looks, or looks too late. */
  wake(lane: TimeoutLane): void {
    if (!lane.active) {
      lane.active = true;
      this.active.add(lane);
      this.byDuration.set(lane.durationMs, lane);
    }
    const now = this.clock.now();
    if (this.exact) lane.stamp(now);
    else this.needsWaking = false;
    this.slackMs = Math.min(this.slackMs, lane.slackMs);
    if (!this.ticking) this.arm(now, now + (this.exact ? lane.durationMs : this.slackMs));
  }

  /** @internal An exact queue keeps no timer that nobody waits for. */
  settle(lane: TimeoutLane): void {
    this.retire(lane);
    if (this.active.size === 0 && !this.ticking) this.disarm();
  }

  private retire(lane: TimeoutLane): void {
    lane.active = false;
    this.active.delete(lane);
    if (this.byDuration.get(lane.durationMs) === lane) this.byDuration.delete(lane.durationMs);
  }

  private disarm(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.timerDueAt = Infinity;
  }

  /** Makes sure that the queue ticks at `dueAt` or before. */
  private arm(now: number, dueAt: number): void {
    if (this.timerDueAt <= dueAt) return;
    this.disarm();
    this.timerDueAt = dueAt;
    this.timer = this.clock.setTimer(Math.max(0, dueAt - now), () => this.tick());
  }

  private tick(): void {
    const now = this.clock.now();
    this.timer = undefined;
    this.timerDueAt = Infinity;
    this.ticking = true;
    let arrivals = false;
    for (const lane of [...this.active]) {
      if (lane.stamp(now)) arrivals = true;
      this.expire(lane, now);
    }
    this.ticking = false;
    if (this.active.size > 0) this.sleep(now, arrivals);
  }

  private expire(lane: TimeoutLane, now: number): void {
    for (let entry = lane.stamped.first; entry !== undefined && isDue(entry, now); entry = lane.stamped.first) {
      lane.remove(entry);
      entry.onTimeout();
    }
    if (lane.isEmpty && lane.active) this.retire(lane);
  }

  /** Sleeps until the next expiry, or only for the slack while calls keep arriving. */
  private sleep(now: number, arrivals: boolean): void {
    let dueAt = Infinity;
    this.slackMs = LARGEST_SLACK_MS;
    for (const lane of this.active) {
      this.slackMs = Math.min(this.slackMs, lane.slackMs);
      const expiresAt = lane.stamped.first?.expiresAt ?? Infinity;
      if (expiresAt < dueAt) dueAt = expiresAt;
      if (lane.arrivals.top !== undefined) arrivals = true;
    }
    if (!this.exact) {
      this.needsWaking = !arrivals;
      if (arrivals) dueAt = Math.min(dueAt, now + this.slackMs);
    }
    this.arm(now, dueAt);
  }
}

function isDue(entry: TimeoutEntry, now: number): boolean {
  return entry.expiresAt !== undefined && entry.expiresAt <= now;
}

const queues: WeakMap<Clock, TimeoutQueue> = new WeakMap();

/** The one timeout queue of `clock`. */
export function timeoutQueueOf(clock: Clock): TimeoutQueue {
  let queue = queues.get(clock);
  if (queue === undefined) queues.set(clock, (queue = new TimeoutQueue(clock)));
  return queue;
}
