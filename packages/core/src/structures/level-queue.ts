import { IntrusiveList, type ListNode } from './intrusive-list.ts';

/**
 * First in, first out within a level; level 0 before level 1 before level 2. Everything is O(1) but {@link shift},
 * which is O(levels). It never reorders: who queued first on a level leaves first.
 */
export class LevelQueue<Element extends ListNode> {
  readonly #levels: readonly IntrusiveList<Element>[];
  #size = 0;

  constructor(levels: number) {
    this.#levels = Array.from({ length: levels }, () => new IntrusiveList<Element>());
  }

  /** How many elements wait on all levels together. */
  get size(): number {
    return this.#size;
  }

  /** How many elements wait on `level`. */
  sizeOf(level: number): number {
    return this.#levels[level]?.size ?? 0;
  }

  /** Puts `element` at the end of `level`. */
  append(element: Element, level: number): void {
    this.#levels[level]!.append(element);
    this.#size++;
  }

  /** The element that {@link shift} would return. */
  peek(): Element | undefined {
    for (const level of this.#levels) if (level.first !== undefined) return level.first;
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
    for (const level of this.#levels) {
      if ((element.owner as unknown) !== level) continue;
      level.remove(element);
      this.#size--;
      return true;
    }
    return false;
  }

  /** The elements from the most urgent level to the least urgent one. */
  *[Symbol.iterator](): IterableIterator<Element> {
    for (const level of this.#levels) yield* level;
  }
}
