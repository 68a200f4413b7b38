import type { KeyQueue } from './key-queue.ts';

/** The queues of a limiter by when they are due: a binary heap whose members know their place, so that all is O(log n). */
export class DueHeap {
  readonly #queues: KeyQueue[] = [];

  /** The queue that is due first. */
  get first(): KeyQueue | undefined {
    return this.#queues[0];
  }

  /** Puts `queue` where its `dueAt` belongs, whether it is in the heap or not. */
  place(queue: KeyQueue): void {
    if (queue.heapIndex < 0) {
      queue.heapIndex = this.#queues.length;
      this.#queues.push(queue);
    }
    this.#rise(queue);
    this.#sink(queue);
  }

  /** Takes `queue` out; harmless when it is not in. */
  remove(queue: KeyQueue): void {
    const index = queue.heapIndex;
    if (index < 0) return;
    queue.heapIndex = -1;
    const last = this.#queues.pop()!;
    if (last === queue) return;
    this.#set(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(queue: KeyQueue): void {
    while (queue.heapIndex > 0) {
      const index = queue.heapIndex;
      const parent = this.#queues[(index - 1) >> 1]!;
      if (parent.dueAt <= queue.dueAt) return;
      this.#set(queue, parent.heapIndex);
      this.#set(parent, index);
    }
  }

  #sink(queue: KeyQueue): void {
    for (;;) {
      const index = queue.heapIndex;
      const left = this.#queues[2 * index + 1];
      const right = this.#queues[2 * index + 2];
      const child = right !== undefined && right.dueAt < left!.dueAt ? right : left;
      if (child === undefined || queue.dueAt <= child.dueAt) return;
      this.#set(queue, child.heapIndex);
      this.#set(child, index);
    }
  }

  #set(queue: KeyQueue, index: number): void {
    this.#queues[index] = queue;
    queue.heapIndex = index;
  }
}
