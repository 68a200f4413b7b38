import type { InputRow } from '../input/row.ts';
import type { OpenInput } from '../input/open-input.ts';
import type { RowRange } from '../input/survey.ts';
import { batchesInRange } from '../input/survey.ts';
import type { RowIndex } from '../journal/row-index.ts';
import { rowState } from '../journal/row-index.ts';
import type { RunStop } from './run-stop.ts';

/**
 * The rows that are still to be called, one by one: those that the journal does not know yet, until the input ends or
 * the run is stopped. A fault of the input ends it too, and is kept until the rows in flight are settled. An iterator by
 * hand, because a generator around the batches would cost each row two more promises.
 */
export class RowSource implements AsyncIterableIterator<InputRow, undefined, undefined> {
  readonly #batches: AsyncGenerator<readonly InputRow[], void>;
  readonly #index: RowIndex;
  readonly #stop: RunStop;
  #batch: readonly InputRow[] = [];
  #next = 0;
  rowsSeen = 0;
  ended = false;
  fault: unknown;

  constructor(input: OpenInput, range: RowRange, index: RowIndex, stop: RunStop) {
    this.#batches = batchesInRange(input, range);
    this.#index = index;
    this.#stop = stop;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<InputRow, undefined>> {
    const row = this.#stop.requested ? undefined : this.#nextOpen();
    return row === undefined ? this.#nextOfBatches() : Promise.resolve({ done: false, value: row });
  }

  async #nextOfBatches(): Promise<IteratorResult<InputRow, undefined>> {
    while (!this.#stop.requested && (await this.#readBatch())) {
      const row = this.#stop.requested ? undefined : this.#nextOpen();
      if (row !== undefined) return { done: false, value: row };
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<InputRow, undefined>> {
    await this.#batches.return();
    return { done: true, value: undefined };
  }

  #nextOpen(): InputRow | undefined {
    while (this.#next < this.#batch.length) {
      const row = this.#batch[this.#next] as InputRow;
      this.#next += 1;
      this.rowsSeen += 1;
      if (this.#index.state(row.position) === rowState.open) return row;
    }
    return undefined;
  }

  async #readBatch(): Promise<boolean> {
    try {
      const batch = await this.#batches.next();
      this.ended = batch.done === true;
      this.#batch = batch.done === true ? [] : batch.value;
      this.#next = 0;
    } catch (error) {
      // A pipe that was closed by a stop is no fault.
      if (!this.#stop.requested) this.fault = error;
      return false;
    }
    return !this.ended;
  }
}
