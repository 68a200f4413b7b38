import { uncoloured, type Paint, type Tone } from '../progress/paint.ts';
import { inThousands, spoken } from '../progress/quantities.ts';
import { padEnd, padStart } from '../progress/text-width.ts';

/** What one of the two runs came to; calls and 429s as the upstream counted them. */
export interface RunResult {
  readonly rows: number;
  readonly answered: number;
  readonly calls: number;
  readonly tooManyRequests: number;
  readonly elapsedMs: number;
  readonly outputPath: string;
}

export interface Comparison {
  readonly plainFetch: RunResult;
  readonly breakwater: RunResult;
}

/** The table at the end of the demo. Ends without a newline. */
export function renderComparison({ plainFetch, breakwater }: Comparison, paint: Paint = uncoloured): string {
  const runs = [plainFetch, breakwater];
  const lost = (run: RunResult): number => run.rows - run.answered;
  const tone = (run: RunResult): Tone => (lost(run) === 0 ? 'good' : 'bad');
  const lines = [
    row('', ['plain fetch', 'Breakwater'], ['strong', 'strong'], paint),
    row(
      'Rows answered',
      runs.map((run) => `${inThousands(run.answered)} of ${inThousands(run.rows)}`),
      runs.map(tone),
      paint,
    ),
    row(
      'Rows lost',
      runs.map((run) => inThousands(lost(run))),
      runs.map(tone),
      paint,
    ),
    row(
      'Calls made',
      runs.map((run) => inThousands(run.calls)),
      [],
      paint,
    ),
    row(
      '429s',
      runs.map((run) => inThousands(run.tooManyRequests)),
      [],
      paint,
    ),
    row(
      'Time',
      runs.map((run) => spoken(run.elapsedMs)),
      [],
      paint,
    ),
  ];
  return lines.join('\n');
}

const LABEL_WIDTH = 16;
const CELL_WIDTH = 17;

function row(label: string, cells: readonly string[], tones: readonly Tone[], paint: Paint): string {
  const painted = cells.map((cell, index) => paint(tones[index] ?? 'plain', padStart(cell, CELL_WIDTH)));
  return `  ${paint('faint', padEnd(label, LABEL_WIDTH))}${painted.join('')}`;
}
