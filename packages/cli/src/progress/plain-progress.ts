import type { Clock, Timer } from 'breakwater/clock';
import type { ProgressTally } from './progress-state.ts';
import type { ProgressStream, ProgressView } from './progress-view.ts';
import { renderPlainLine } from './render-line.ts';

const EVERY_MS = 5_000;
const EVERY_SHARE = 0.1;

/** Whole lines for logs: one per tenth of the rows, and one in five seconds where a tenth takes longer. */
export class PlainProgress implements ProgressView {
  readonly #stream: ProgressStream;
  readonly #tally: ProgressTally;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #printedRows = 0;
  #begun = false;
  #closed = false;
  #upstream = 'up';

  constructor(stream: ProgressStream, tally: ProgressTally, clock: Clock) {
    this.#stream = stream;
    this.#tally = tally;
    this.#clock = clock;
  }

  changed(important: boolean): void {
    if (this.#closed) return;
    if (!this.#begun) {
      this.#begun = true;
      this.#printedRows = this.#tally.settledRows;
      this.#again();
    }
    const { settledRows, totalRows, upstreamKind } = this.#tally;
    const tenth = totalRows !== undefined && settledRows - this.#printedRows >= Math.max(1, totalRows * EVERY_SHARE);
    // A breaker that goes back and forth between open and probing is one piece of news, not many.
    const news = important && (upstreamKind === 'up' || this.#upstream === 'up');
    this.#upstream = upstreamKind;
    if (tenth || news) this.#say();
  }

  print(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #say(): void {
    this.#printedRows = this.#tally.settledRows;
    this.#stream.write(`${renderPlainLine(this.#tally.state(this.#clock.now()))}\n`);
    this.#again();
  }

  #again(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(EVERY_MS, () => this.#say());
  }
}
