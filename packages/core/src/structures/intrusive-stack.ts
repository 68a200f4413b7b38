import type { ListNode } from './intrusive-list.ts';

/**
 * A stack whose links live in the elements: what was pushed last comes first, and any element may be taken out. Pushing
 * writes to the stack itself once, where a ring writes to itself twice: that is what counts when the stack is old and
 * its elements are young, since the garbage collector is told of each such write. An element is in at most one stack
 * or list at a time.
 */
export class IntrusiveStack<Element extends ListNode> {
  /** The element that was pushed last of those that are still here. */
  top: Element | undefined = undefined;

  /** Puts `element` on top. It must be in no stack or list. */
  push(element: Element): void {
    const { top } = this;
    if (top !== undefined) {
      top.previous = element;
      element.next = top;
    }
    this.top = element;
  }

  /** Takes `element`, which must not be in another stack or list, out of this one; false when it is in none. */
  remove(element: Element): boolean {
    const { previous } = element;
    const next = element.next as Element | undefined;
    if (this.top === element) this.top = next;
    else if (previous === undefined) return false;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    element.previous = undefined;
    element.next = undefined;
    return true;
  }

  /** Takes all elements out, and gives them to `take` in the order in which they were pushed. */
  drain(take: (element: Element) => void): void {
    let element = this.top;
    this.top = undefined;
    while (element?.next !== undefined) element = element.next as Element;
    while (element !== undefined) {
      const pushedNext = element.previous as Element | undefined;
      element.previous = undefined;
      element.next = undefined;
      take(element);
      element = pushedNext;
    }
  }
}
