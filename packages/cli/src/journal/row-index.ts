/** What is known of each row of the run, in nine bytes: how it stands, and where in the journal its result lies. */

export const rowState = { open: 0, answered: 1, failed: 2 } as const;
export type RowState = (typeof rowState)[keyof typeof rowState];

export class RowIndex {
  readonly #base: number;
  #states: Uint8Array;
  #offsets: Float64Array;
  #answered = 0;
  #failed = 0;

  /** @param base The last position before the range of the run: `--offset`. */
  constructor(base: number, expectedRows = 1024) {
    this.#base = base;
    this.#states = new Uint8Array(Math.max(expectedRows, 1));
    this.#offsets = new Float64Array(Math.max(expectedRows, 1));
  }

  get answered(): number {
    return this.#answered;
  }

  get failed(): number {
    return this.#failed;
  }

  /** Rows with a result. */
  get settled(): number {
    return this.#answered + this.#failed;
  }

  state(position: number): RowState {
    return (this.#states[position - this.#base - 1] ?? rowState.open) as RowState;
  }

  offset(position: number): number {
    return this.#offsets[position - this.#base - 1] ?? -1;
  }

  /** The newest result of a row counts. */
  set(position: number, state: RowState, offset: number): void {
    const index = position - this.#base - 1;
    if (index >= this.#states.length) this.#grow(index + 1);
    this.#count(this.#states[index] as RowState, -1);
    this.#count(state, 1);
    this.#states[index] = state;
    this.#offsets[index] = offset;
  }

  /** Failed rows count as open again: they will be called once more. Answers how many there are. */
  reopenFailed(): number {
    const reopened = this.#failed;
    for (let index = 0; index < this.#states.length; index += 1) {
      if (this.#states[index] === rowState.failed) this.#states[index] = rowState.open;
    }
    this.#failed = 0;
    return reopened;
  }

  #count(state: RowState, change: number): void {
    if (state === rowState.answered) this.#answered += change;
    else if (state === rowState.failed) this.#failed += change;
  }

  #grow(needed: number): void {
    const length = Math.max(needed, this.#states.length * 2);
    const states = new Uint8Array(length);
    const offsets = new Float64Array(length);
    states.set(this.#states);
    offsets.set(this.#offsets);
    this.#states = states;
    this.#offsets = offsets;
  }
}
