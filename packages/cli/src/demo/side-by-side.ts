import type { Clock, Timer } from 'breakwater/clock';
import { clearLine, clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import type { Paint } from '../progress/paint.ts';
import type { ProgressTally } from '../progress/progress-state.ts';
import type { ProgressStream } from '../progress/progress-view.ts';
import { renderLine, renderPlainLine } from '../progress/render-line.ts';
import { padEnd } from '../progress/text-width.ts';

/** One of the runs that are shown. */
export interface Lane {
  readonly name: string;
  readonly tally: ProgressTally;
  /** Once the run is over: what is shown instead of its progress. */
  result?: string;
  begun: boolean;
}

export interface SideBySide {
  changed(): void;
  /** Says the last state and sets no more timers. */
  close(): void;
}

const NAME_WIDTH = 13;
const REDRAW_MS = 100;
const HEARTBEAT_MS = 1_000;

/** On a terminal a line per run, redrawn in place at most ten times a second. */
export class LiveLanes implements SideBySide {
  readonly #lanes: readonly Lane[];
  readonly #stream: ProgressStream;
  readonly #clock: Clock;
  readonly #paint: Paint;
  #timer: Timer | undefined;
  #soon = false;
  #drawn = false;

  constructor(lanes: readonly Lane[], stream: ProgressStream, clock: Clock, paint: Paint) {
    this.#lanes = lanes;
    this.#stream = stream;
    this.#clock = clock;
    this.#paint = paint;
  }

  changed(): void {
    if (!this.#soon) this.#drawIn(REDRAW_MS);
    this.#soon = true;
  }

  close(): void {
    this.#timer?.cancel();
    this.#draw();
  }

  #drawIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#soon = false;
      this.#draw();
      this.#drawIn(HEARTBEAT_MS);
    });
  }

  #draw(): void {
    const stream = this.#stream as NodeJS.WritableStream;
    if (this.#drawn) moveCursor(stream, 0, -this.#lanes.length);
    cursorTo(stream, 0);
    for (const lane of this.#lanes) {
      this.#stream.write(`  ${padEnd(lane.name, NAME_WIDTH)}${this.#textOf(lane)}`);
      clearLine(stream, 1);
      this.#stream.write('\n');
    }
    clearScreenDown(stream);
    this.#drawn = true;
  }

  #textOf(lane: Lane): string {
    if (lane.result !== undefined) return lane.result;
    if (!lane.begun) return this.#paint('faint', 'waiting for its turn');
    const width = (this.#stream.columns ?? 80) - NAME_WIDTH - 3;
    return renderLine(lane.tally.state(this.#clock.now()), width, this.#paint);
  }
}

/** Elsewhere a line per quarter of a run, one when the upstream goes down or comes back, and one at the run's end. */
export class PlainLanes implements SideBySide {
  readonly #lanes: readonly Lane[];
  readonly #stream: ProgressStream;
  readonly #clock: Clock;
  readonly #said = new Map<Lane, string>();

  constructor(lanes: readonly Lane[], stream: ProgressStream, clock: Clock) {
    this.#lanes = lanes;
    this.#stream = stream;
    this.#clock = clock;
  }

  changed(): void {
    for (const lane of this.#lanes) {
      const news = newsOf(lane);
      if (news === (this.#said.get(lane) ?? 'up 0')) continue;
      this.#said.set(lane, news);
      this.#stream.write(`${lane.name}: ${lane.result ?? renderPlainLine(lane.tally.state(this.#clock.now()))}\n`);
    }
  }

  close(): void {
    this.changed();
  }
}

/** Changes when there is something to say. */
function newsOf({ tally, result }: Lane): string {
  if (result !== undefined) return 'over';
  const quarter = Math.floor((4 * tally.settledRows) / (tally.totalRows ?? Number.POSITIVE_INFINITY));
  return `${tally.upstreamKind === 'up' ? 'up' : 'down'} ${Math.min(quarter, 3)}`;
}
