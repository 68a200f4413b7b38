/**
 * Each call leaves some sixty kilobytes of short-lived objects behind, nearly all of them fetch's streams. Left alone,
 * V8 answers on Node 24 with 250 MB for rows that need 30: a large new space, an old space that is collected at leisure,
 * and two optimizing compilers at work at once. A short run may have that, it is over before anybody looks; a long one
 * is asked to stay small, at the price of a third of its speed or more on an upstream that answers in no time. The sizes cannot
 * be given on the command line of node, which is not ours, and V8 keeps to no limit of the old space that is set later:
 * so a long run collects by itself when its heap has grown by as much as it needs.
 */
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Inputs above this size, some forty thousand rows, are long runs; so are pipes, of which nobody knows. */
const longInputBytes = 1024 * 1024;
const enoughNewSpace = 4 * 1024 * 1024;
const enoughHeap = 24 * 1024 * 1024;
const rowsBetweenLooks = 128;

export class SmallHeap {
  #rows = 0;
  #stillGrowing = true;
  #mostHeap = enoughHeap;
  readonly #collect: (() => void) | undefined;

  /** @param inputBytes Size of the input; undefined for a pipe. */
  constructor(inputBytes: number | undefined) {
    if (inputBytes !== undefined && inputBytes < longInputBytes) return;
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--heap-growing-percent=20');
    // One compiler thread in place of several: each takes tens of megabytes while it works. Node 20 knows no such flag.
    if (Number.parseInt(process.versions.node, 10) < 22) return;
    setFlagsFromString('--no-maglev');
    setFlagsFromString('--concurrent-turbofan-max-threads=1');
  }

  /** To be told of every row that is read or settled. */
  rowPassed(): void {
    this.#rows += 1;
    if (this.#collect === undefined || this.#rows % rowsBetweenLooks !== 0) return;
    if (this.#stillGrowing) this.#limitNewSpace();
    if (getHeapStatistics().used_heap_size < this.#mostHeap) return;
    this.#collect();
    // What is in use stays: large answers, a thousand rows in flight. Collecting again at once would not help.
    this.#mostHeap = Math.max(enoughHeap, getHeapStatistics().used_heap_size * 1.5);
  }

  #limitNewSpace(): void {
    const newSpace = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    if (newSpace === undefined || newSpace.space_size < enoughNewSpace) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    this.#stillGrowing = false;
  }
}
