/**
 * Each call leaves some sixty kilobytes of short-lived objects behind, nearly all of them fetch's streams. Left alone,
 * V8 answers on Node 24 with 250 MB for rows that need 30: a large new space, an old space that is collected at leisure,
 * and two optimizing compilers at work at once. A short run may have that, it is over before anybody looks; a long one
 * is asked to stay small, at the price of a fifth of its speed on an upstream that answers in no time. The sizes cannot
 * be given on the command line of node, which is not ours.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Inputs above this size, some forty thousand rows, are long runs; so are pipes, of which nobody knows. */
const longInputBytes = 1024 * 1024;
const enoughBytes = 4 * 1024 * 1024;
const rowsBetweenLooks = 64;

export class YoungHeap {
  #rows = 0;
  #done: boolean;

  /** @param inputBytes Size of the input; undefined for a pipe. */
  constructor(inputBytes: number | undefined) {
    this.#done = inputBytes !== undefined && inputBytes < longInputBytes;
    if (this.#done) return;
    setFlagsFromString('--heap-growing-percent=10');
    setFlagsFromString('--no-maglev');
  }

  /** To be told of every row that is read or settled: growth stops when the new space is as large as it needs to be. */
  rowPassed(): void {
    this.#rows += 1;
    if (this.#done || this.#rows % rowsBetweenLooks !== 0) return;
    const newSpace = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    if (newSpace === undefined || newSpace.space_size < enoughBytes) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    this.#done = true;
  }
}
