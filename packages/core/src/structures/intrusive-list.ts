/**
 * A doubly linked list whose links live in the elements themselves: appending and removing are O(1) and allocate
 * nothing, which is what makes cancelling one of 100,000 waiters cheap. An element is in at most one list at a time.
 */
export class ListNode {
  /** @internal The list that holds this node, or undefined. */
  owner: IntrusiveList<ListNode> | undefined = undefined;
  /** @internal */
  previous: ListNode | undefined = undefined;
  /** @internal */
  next: ListNode | undefined = undefined;
}

/** A list of elements that extend {@link ListNode}, in the order in which they were appended. */
export class IntrusiveList<Element extends ListNode> {
  #first: ListNode | undefined = undefined;
  #last: ListNode | undefined = undefined;
  #size = 0;

  /** How many elements the list holds. */
  get size(): number {
    return this.#size;
  }

  /** The element that was appended first, or undefined when the list is empty. */
  get first(): Element | undefined {
    return this.#first as Element | undefined;
  }

  /** The element that was appended last, or undefined when the list is empty. */
  get last(): Element | undefined {
    return this.#last as Element | undefined;
  }

  /** Puts `element` at the end. It must not be in a list. */
  append(element: Element): void {
    element.owner = this as unknown as IntrusiveList<ListNode>;
    element.previous = this.#last;
    element.next = undefined;
    if (this.#last === undefined) this.#first = element;
    else this.#last.next = element;
    this.#last = element;
    this.#size++;
  }

  /** Takes `element` out; false when it is not in this list. */
  remove(element: Element): boolean {
    if ((element.owner as unknown) !== this) return false;
    const { previous, next } = element;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    element.owner = undefined;
    element.previous = undefined;
    element.next = undefined;
    this.#size--;
    return true;
  }

  /** Takes the first element out and returns it. */
  shift(): Element | undefined {
    const first = this.first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** The elements in order. An element may be removed while it is the current one. */
  *[Symbol.iterator](): IterableIterator<Element> {
    let node = this.#first;
    while (node !== undefined) {
      const next: ListNode | undefined = node.next;
      yield node as Element;
      node = next;
    }
  }
}
