import type { Clock, Timer } from 'breakwater/clock';
import { clearLine, cursorTo } from 'node:readline';
import type { Paint } from './paint.ts';
import type { ProgressTally } from './progress-state.ts';
import type { ProgressStream, ProgressView } from './progress-view.ts';
import { renderLine } from './render-line.ts';

const REDRAW_MS = 100;
/** Without news the line is still redrawn, because times are counted down in it. */
const HEARTBEAT_MS = 1_000;

/** A line that is redrawn in place, at most ten times a second. */
export class BarProgress implements ProgressView {
  readonly #stream: ProgressStream;
  readonly #tally: ProgressTally;
  readonly #clock: Clock;
  readonly #paint: Paint;
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #drawn = false;
  #closed = false;

  constructor(stream: ProgressStream, tally: ProgressTally, clock: Clock, paint: Paint) {
    this.#stream = stream;
    this.#tally = tally;
    this.#clock = clock;
    this.#paint = paint;
  }

  changed(): void {
    if (!this.#closed) this.#drawBy(this.#drawnAt + REDRAW_MS);
  }

  print(text: string): void {
    this.#erase();
    this.#stream.write(`${text}\n`);
    if (!this.#closed && this.#timer) this.#draw();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#erase();
  }

  #drawBy(at: number): void {
    const now = this.#clock.now();
    if (at <= now) return this.#draw();
    if (at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.setTimer(at - now, () => this.#draw());
  }

  #draw(): void {
    const now = this.#clock.now();
    this.#timer?.cancel();
    this.#timerAt = Number.POSITIVE_INFINITY;
    // The last column stays free: writing into it makes some terminals wrap.
    const line = renderLine(this.#tally.state(now), (this.#stream.columns ?? 80) - 1, this.#paint);
    const stream = this.#stream as NodeJS.WritableStream;
    cursorTo(stream, 0);
    this.#stream.write(line);
    clearLine(stream, 1);
    this.#drawn = true;
    this.#drawnAt = now;
    this.#drawBy(now + HEARTBEAT_MS);
  }

  #erase(): void {
    if (!this.#drawn) return;
    this.#drawn = false;
    cursorTo(this.#stream as NodeJS.WritableStream, 0);
    clearLine(this.#stream as NodeJS.WritableStream, 0);
  }
}
