import { systemClock, type Clock } from 'breakwater/clock';
import type { LogLevel, RunObserver } from '../run/observer.ts';
import { BarProgress } from './bar-progress.ts';
import { coloured, uncoloured, wantsColour, type Paint, type Tone } from './paint.ts';
import { PlainProgress } from './plain-progress.ts';
import { ProgressTally } from './progress-state.ts';
import type { ProgressStream, ProgressView } from './progress-view.ts';
import { renderSummary } from './render-summary.ts';

export type ProgressMode = 'auto' | 'bar' | 'plain' | 'none';

export interface ProgressOptions {
  /** `auto` (default): a bar on a terminal, plain lines elsewhere. */
  readonly mode?: ProgressMode | undefined;
  /** Default process.stderr, so that results can be piped. */
  readonly stream?: ProgressStream | undefined;
  readonly clock?: Clock | undefined;
  /** False for --no-color. Default: what the terminal and NO_COLOR say. */
  readonly colour?: boolean | undefined;
  /** Whether the table at the end is printed. Default true. */
  readonly summary?: boolean | undefined;
  /** Messages below it are left out. Default `info`. */
  readonly logLevel?: LogLevel | undefined;
}

export interface Progress extends RunObserver {
  /** For a run that ends without `finished`: leaves no timer and no torn line. Idempotent. */
  close(): void;
}

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];
const LEVEL_TONES: Readonly<Record<LogLevel, Tone>> = { error: 'bad', warn: 'warn', info: 'plain', debug: 'faint' };

export function createProgress(options: ProgressOptions = {}): Progress {
  const clock = options.clock ?? systemClock;
  const stream = options.stream ?? process.stderr;
  const paint = wantsColour(stream, process.env, options.colour) ? coloured : uncoloured;
  const tally = new ProgressTally();
  const view = viewFor(options.mode ?? 'auto', stream, tally, clock, paint);
  const lowest = LEVELS.indexOf(options.logLevel ?? 'info');
  return {
    started(start) {
      tally.started(start, clock.now());
      view.changed(false);
    },
    totalKnown(totalRows) {
      tally.totalKnown(totalRows);
      view.changed(false);
    },
    rowStarted: () => tally.rowStarted(),
    rowSettled(row) {
      tally.rowSettled(row, clock.now());
      view.changed(false);
    },
    called: nothing,
    retrying: nothing,
    waitedForLimit: nothing,
    upstreamChanged(state) {
      tally.upstreamChanged(state, clock.now());
      view.changed(true);
    },
    stopping(reason) {
      tally.stop(reason);
      view.changed(true);
    },
    message: (level, text) => {
      if (LEVELS.indexOf(level) <= lowest) view.print(paint(LEVEL_TONES[level], text));
    },
    finished: (summary) => {
      view.close();
      if (options.summary !== false) stream.write(`${renderSummary(summary, stream.columns ?? 100, paint)}\n`);
    },
    close: () => view.close(),
  };
}

function viewFor(
  mode: ProgressMode,
  stream: ProgressStream,
  tally: ProgressTally,
  clock: Clock,
  paint: Paint,
): ProgressView {
  const chosen = mode === 'auto' ? (stream.isTTY === true && process.env['TERM'] !== 'dumb' ? 'bar' : 'plain') : mode;
  if (chosen === 'bar') return new BarProgress(stream, tally, clock, paint);
  if (chosen === 'plain') return new PlainProgress(stream, tally, clock);
  return { changed: nothing, print: (text) => void stream.write(`${text}\n`), close: nothing };
}

function nothing(): void {}
