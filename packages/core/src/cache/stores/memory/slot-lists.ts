/**
 * Several doubly linked lists of slots in two typed arrays: 8 bytes a slot, and nothing is allocated when a slot goes
 * from one list to another. A slot is in one list at most. Each list is a ring through a node of its own; those nodes
 * stand before the slots, so that growing is copying.
 */
import { NO_SLOT } from './slot-index.ts';

export class SlotLists {
  private readonly lists: number;
  private next: Int32Array;
  private previous: Int32Array;

  constructor(lists: number) {
    this.lists = lists;
    this.next = new Int32Array(lists);
    this.previous = new Int32Array(lists);
    this.clear();
  }

  /** Makes room for so many slots. */
  grow(capacity: number): void {
    const { next, previous } = this;
    this.next = new Int32Array(this.lists + capacity);
    this.next.set(next);
    this.previous = new Int32Array(this.lists + capacity);
    this.previous.set(previous);
    this.next.fill(NO_SLOT, next.length);
  }

  /** Empties all lists. */
  clear(): void {
    this.next.fill(NO_SLOT);
    for (let list = 0; list < this.lists; list++) {
      this.next[list] = list;
      this.previous[list] = list;
    }
  }

  /** Puts a slot that is in no list at the end of this one. */
  append(list: number, slot: number): void {
    const { next, previous } = this;
    const node = slot + this.lists;
    const last = previous[list]!;
    previous[node] = last;
    next[node] = list;
    next[last] = node;
    previous[list] = node;
  }

  /** Takes a slot out of its list; harmless when it is in none. */
  remove(slot: number): void {
    const { next, previous } = this;
    const node = slot + this.lists;
    const after = next[node]!;
    if (after === NO_SLOT) return;
    const before = previous[node]!;
    next[before] = after;
    previous[after] = before;
    next[node] = NO_SLOT;
  }

  /** Puts a slot at the end of its list or of another one. */
  move(list: number, slot: number): void {
    this.remove(slot);
    this.append(list, slot);
  }

  /** The slot that came first, or -1 when the list is empty. */
  first(list: number): number {
    return Math.max(NO_SLOT, this.next[list]! - this.lists);
  }

  /** Whether a slot is in any list. */
  has(slot: number): boolean {
    return this.next[slot + this.lists] !== NO_SLOT;
  }

  isEmpty(list: number): boolean {
    return this.next[list] === list;
  }

  /** Appends all of `from`, which is empty afterwards, to `to`, at once. */
  splice(from: number, to: number): void {
    const { next, previous } = this;
    if (next[from] === from) return;
    const [first, last, before] = [next[from]!, previous[from]!, previous[to]!];
    next[before] = first;
    previous[first] = before;
    next[last] = to;
    previous[to] = last;
    next[from] = from;
    previous[from] = from;
  }
}
