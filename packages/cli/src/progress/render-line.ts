import { uncoloured, type Paint, type Tone } from './paint.ts';
import type { ProgressState } from './progress-state.ts';
import { counted, inThousands, spokenCoarsely, spokenRate } from './quantities.ts';
import { textWidth, truncate } from './text-width.ts';

interface Part {
  readonly tone: Tone;
  readonly text: string;
  /** When the line is too narrow, the part with the highest number goes first; 0 stays. */
  readonly expendable: number;
}

const SEPARATOR = ' · ';
/** The bar is 10, 20 or 30 cells long: were it to take all room, it would tremble with every digit of the text. */
const BAR_STEP = 10;
const BAR_STEPS = 3;

/** One line of progress, no wider than `width` columns: `[███░░] 620 of 1,000 rows · 3 failed · 198/s · 2 s left`. */
export function renderLine(state: ProgressState, width: number, paint: Paint = uncoloured): string {
  const { text, textColumns } = renderText(state, width, paint);
  const room = Math.min(BAR_STEPS, Math.floor((width - textColumns - 3) / BAR_STEP));
  if (state.totalRows === undefined || room < 1) return text;
  return `${renderBar(state.settledRows, state.totalRows, room * BAR_STEP, paint)} ${text}`;
}

/** The line without its bar, for logs. */
export function renderPlainLine(state: ProgressState): string {
  return renderText(state, Number.POSITIVE_INFINITY, uncoloured).text;
}

function renderText(state: ProgressState, width: number, paint: Paint): { text: string; textColumns: number } {
  let parts = partsOf(state);
  const used = (): number =>
    parts.reduce((sum, part) => sum + textWidth(part.text) + SEPARATOR.length, -SEPARATOR.length);
  while (used() > width && parts.some((part) => part.expendable > 0)) {
    const first = Math.max(...parts.map((part) => part.expendable));
    parts = parts.filter((part) => part.expendable !== first);
  }
  if (used() > width)
    return { text: truncate(parts.map((part) => part.text).join(SEPARATOR), width), textColumns: width };
  return {
    text: parts.map((part) => paint(part.tone, part.text)).join(paint('faint', SEPARATOR)),
    textColumns: used(),
  };
}

/** `[████░░░░]`, `cells` wide between its brackets. Full only when all is done. */
function renderBar(done: number, total: number, cells: number, paint: Paint = uncoloured): string {
  const filled = total <= 0 ? cells : Math.min(cells, Math.floor((done / total) * cells));
  return `[${paint('good', '█'.repeat(filled))}${paint('faint', '░'.repeat(cells - filled))}]`;
}

function partsOf(state: ProgressState): Part[] {
  const parts: Part[] = [{ tone: 'plain', text: rowsOf(state), expendable: 0 }];
  const add = (tone: Tone, text: string, expendable: number): void => void parts.push({ tone, text, expendable });
  if (state.failedRows > 0) add('bad', `${inThousands(state.failedRows)} failed`, 1);
  // While nothing goes through, the rate is that of the past.
  if (state.ratePerSecond !== undefined && state.upstream.kind === 'up')
    add('plain', spokenRate(state.ratePerSecond), 3);
  if (state.leftMs !== undefined && state.stopping === undefined)
    add('plain', `${spokenCoarsely(state.leftMs)} left`, 2);
  if (state.stopping !== undefined) {
    add('plain', `${inThousands(state.rowsInFlight)} in flight`, 0);
    add('warn', state.stopping, 0);
  } else if (state.upstream.kind === 'down') {
    add('warn', `upstream is down, next probe in ${spokenCoarsely(state.upstream.nextProbeInMs)}`, 0);
  } else if (state.upstream.kind === 'probing') {
    add('warn', 'upstream was down, probing', 0);
  }
  return parts;
}

function rowsOf(state: ProgressState): string {
  const { settledRows, totalRows } = state;
  return totalRows === undefined
    ? counted(settledRows, 'row')
    : `${inThousands(settledRows)} of ${counted(totalRows, 'row')}`;
}
