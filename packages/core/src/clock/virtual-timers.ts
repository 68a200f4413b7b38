import { type Due, DueHeap } from '../structures/due-heap.ts';
import { IntrusiveList, ListNode } from '../structures/intrusive-list.ts';
import type { Timer } from './clock.ts';

/** Timers that are due at the same time, in the order in which they were set. */
class Moment implements Due {
  readonly dueAt: number;
  heapIndex = -1;
  readonly timers: IntrusiveList<VirtualTimer> = new IntrusiveList();

  constructor(dueAt: number) {
    this.dueAt = dueAt;
  }
}

/** A timer of a virtual clock. */
export class VirtualTimer extends ListNode implements Timer {
  readonly dueAt: number;
  readonly background: boolean;
  readonly callback: () => void;
  readonly #timers: VirtualTimers;

  constructor(timers: VirtualTimers, dueAt: number, background: boolean, callback: () => void) {
    super();
    this.#timers = timers;
    this.dueAt = dueAt;
    this.background = background;
    this.callback = callback;
    timers.add(this);
  }

  cancel(): void {
    this.#timers.delete(this);
  }
}

/**
 * The timers that are set, however many: a simulation may have a hundred thousand calls under way, each with a timer, and
 * looks for the next one at every step.
 */
export class VirtualTimers {
  readonly #moments: Map<number, Moment> = new Map();
  readonly #order: DueHeap<Moment> = new DueHeap();
  #size = 0;
  #foreground = 0;

  /** How many are set. */
  get size(): number {
    return this.#size;
  }

  /** Whether one is set that would keep a process alive. */
  get holdsForeground(): boolean {
    return this.#foreground > 0;
  }

  /** When the next one is due; undefined when none is set. */
  get nextDueAt(): number | undefined {
    return this.#order.first?.dueAt;
  }

  /** Takes out the one that is due next: of those of one time the one that was set first. */
  takeNext(): VirtualTimer | undefined {
    const next = this.#order.first?.timers.first;
    if (next !== undefined) this.delete(next);
    return next;
  }

  add(timer: VirtualTimer): void {
    let moment = this.#moments.get(timer.dueAt);
    if (moment === undefined) {
      this.#moments.set(timer.dueAt, (moment = new Moment(timer.dueAt)));
      this.#order.place(moment);
    }
    moment.timers.append(timer);
    this.#count(timer, 1);
  }

  /** Harmless when it is not set any more. */
  delete(timer: VirtualTimer): void {
    const moment = this.#moments.get(timer.dueAt);
    if (moment?.timers.remove(timer) !== true) return;
    this.#count(timer, -1);
    if (!moment.timers.isEmpty) return;
    this.#order.remove(moment);
    this.#moments.delete(moment.dueAt);
  }

  #count(timer: VirtualTimer, change: 1 | -1): void {
    this.#size += change;
    if (!timer.background) this.#foreground += change;
  }
}
