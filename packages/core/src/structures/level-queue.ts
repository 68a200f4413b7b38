import { IntrusiveList, ListNode } from './intrusive-list.ts';

/** An element of a {@link LevelQueue}. */
export abstract class LeveledNode extends ListNode {
  /** Where it stands: 0 is the most urgent level. Must not change while it waits. */
  readonly level: number;

  constructor(level: number) {
    super();
    this.level = level;
  }
}

/**
 * First in, first out within a level; level 0 before level 1 before level 2. Everything is O(1) but {@link peek} and
 * {@link shift}, which are O(levels). It never reorders: who queued first on a level leaves first.
 */
export class LevelQueue<Element extends LeveledNode> {
  private readonly levels: readonly IntrusiveList<Element>[];
  private waiting = 0;

  constructor(levels: number) {
    this.levels = Array.from({ length: levels }, () => new IntrusiveList<Element>());
  }

  /** How many elements wait on all levels together. */
  get size(): number {
    return this.waiting;
  }

  /** Whether an element waits on `level` or a more urgent one. */
  hasAtLeast(level: number): boolean {
    for (let at = 0; at <= level; at++) if (!this.levels[at]!.isEmpty) return true;
    return false;
  }

  /** Who queued first on `level`. */
  firstOf(level: number): Element | undefined {
    return this.levels[level]!.first;
  }

  /** Who queued last on `level`. */
  lastOf(level: number): Element | undefined {
    return this.levels[level]!.last;
  }

  /** Puts `element` at the end of its level. */
  append(element: Element): void {
    this.levels[element.level]!.append(element);
    this.waiting++;
  }

  /** The element that {@link shift} would return. */
  peek(): Element | undefined {
    if (this.waiting === 0) return undefined;
    for (const level of this.levels) if (!level.isEmpty) return level.first;
    return undefined;
  }

  /** Takes out the first element of the most urgent level that has one. */
  shift(): Element | undefined {
    const element = this.peek();
    if (element !== undefined) this.remove(element);
    return element;
  }

  /** Takes `element` out, wherever it stands; false when it does not wait here. */
  remove(element: Element): boolean {
    const removed = this.levels[element.level]!.remove(element);
    if (removed) this.waiting--;
    return removed;
  }

  /** The elements from the most urgent level to the least urgent one. */
  *[Symbol.iterator](): IterableIterator<Element> {
    for (const level of this.levels) yield* level;
  }
}
