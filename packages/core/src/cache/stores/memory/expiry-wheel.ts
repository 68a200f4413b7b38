/**
 * Makes expired entries leave although nobody asks for them. A hierarchical timing wheel (Varghese and Lauck, SOSP
 * 1987): four levels of 64 buckets, the finest of a second, the next of a minute, an hour, three days. Entering
 * and leaving is O(1); a bucket whose time comes is emptied, and what is not due yet goes to a finer one.
 *
 * One timer, set for the next bucket that holds anything, and none when nothing does. What is due at once leaves in
 * portions, so that a million entries of one second don't stop the program.
 */
import type { Clock, Timer } from '../../../clock/clock.ts';
import { SlotLists } from './slot-lists.ts';

const TICK_MS = 1024;
const BUCKETS = 64;
const LEVELS = 4;
/** Where slots wait whose bucket's time has come. */
const OVERDUE = LEVELS * BUCKETS;
const PORTION = 4_096;
/** How many ticks a bucket of each level spans, as a power of two. */
const LEVEL_BITS = 6;
const FURTHEST_TICKS = BUCKETS ** LEVELS - 1;

export class ExpiryWheel {
  private readonly lists: SlotLists = new SlotLists(OVERDUE + 1);
  private readonly clock: Clock;
  private readonly onDue: (slot: number, now: number) => void;
  /** The last tick whose bucket was emptied. */
  private tick = 0;
  private timer: Timer | undefined = undefined;
  private timerDueAt = Infinity;

  /** @param onDue Told of a slot that may be due: it removes the entry, or schedules the slot again. */
  constructor(clock: Clock, onDue: (slot: number, now: number) => void) {
    this.clock = clock;
    this.onDue = onDue;
  }

  grow(capacity: number): void {
    this.lists.grow(capacity);
  }

  /** Lets a slot, which is not scheduled, be due at `dueAt`; never with Infinity. */
  schedule(slot: number, dueAt: number, now: number): void {
    if (this.timer === undefined) this.tick = Math.floor(now / TICK_MS);
    const due = Math.min(Math.max(Math.ceil(dueAt / TICK_MS), this.tick + 1), this.tick + FURTHEST_TICKS);
    const level = levelOf(due - this.tick);
    const shift = level * LEVEL_BITS;
    const bucket = due >> shift;
    this.lists.append(level * BUCKETS + (bucket & (BUCKETS - 1)), slot);
    const startsAt = (bucket << shift) * TICK_MS;
    if (startsAt < this.timerDueAt) this.arm(startsAt, now);
  }

  isScheduled(slot: number): boolean {
    return this.lists.has(slot);
  }

  /** Ends what {@link ExpiryWheel.schedule} began; harmless for a slot that is not scheduled. */
  cancel(slot: number): void {
    this.lists.remove(slot);
  }

  clear(): void {
    this.lists.clear();
    this.disarm();
  }

  private arm(dueAt: number, now: number): void {
    if (dueAt >= this.timerDueAt) return;
    this.timer?.cancel();
    this.timerDueAt = dueAt;
    this.timer = this.clock.setTimer(Math.max(0, dueAt - now), () => this.advance(), true);
  }

  private disarm(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.timerDueAt = Infinity;
  }

  private advance(): void {
    const now = this.clock.now();
    const { tick } = this;
    const nowTick = Math.max(tick, Math.floor(now / TICK_MS));
    for (let level = 0; level < LEVELS; level++) {
      const shift = level * LEVEL_BITS;
      const last = nowTick >> shift;
      const first = Math.max((tick >> shift) + 1, last - BUCKETS + 1);
      for (let bucket = first; bucket <= last; bucket++)
        this.lists.splice(level * BUCKETS + (bucket & (BUCKETS - 1)), OVERDUE);
    }
    this.tick = nowTick;
    // While this runs nobody may set the timer: what is scheduled again is found by `sleep`.
    this.timerDueAt = -Infinity;
    this.drain(now);
    this.disarm();
    this.sleep(now);
  }

  private drain(now: number): void {
    for (let taken = 0; taken < PORTION; taken++) {
      const slot = this.lists.first(OVERDUE);
      if (slot < 0) return;
      this.lists.remove(slot);
      this.onDue(slot, now);
    }
  }

  private sleep(now: number): void {
    if (!this.lists.isEmpty(OVERDUE)) this.arm(now, now);
    for (let level = 0; level < LEVELS; level++) {
      const shift = level * LEVEL_BITS;
      const at = this.tick >> shift;
      for (let bucket = at + 1; bucket <= at + BUCKETS; bucket++) {
        if (this.lists.isEmpty(level * BUCKETS + (bucket & (BUCKETS - 1)))) continue;
        this.arm((bucket << shift) * TICK_MS, now);
        break;
      }
    }
  }
}

/** The finest level whose buckets reach so many ticks ahead. */
function levelOf(ticks: number): number {
  let level = 0;
  for (let reach = BUCKETS; ticks >= reach; reach <<= LEVEL_BITS) level++;
  return level;
}
