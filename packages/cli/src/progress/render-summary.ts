import type { FailureGroup, RunEnding, RunSummary } from '../run/observer.ts';
import { uncoloured, type Paint, type Tone } from './paint.ts';
import { counted, inThousands, spoken, spokenRate } from './quantities.ts';
import { padEnd, padStart, textWidth, truncate } from './text-width.ts';

const LABEL_WIDTH = 12;
const BAR_WIDTH = 24;

const TONES: Readonly<Record<RunEnding, Tone>> = {
  answered: 'good',
  'rows-failed': 'warn',
  'upstream-unavailable': 'bad',
  'credentials-refused': 'bad',
  'too-many-failures': 'bad',
  interrupted: 'warn',
};

/** What a run did, as a table with the commands that go on from there. Ends without a newline. */
export function renderSummary(summary: RunSummary, width = 100, paint: Paint = uncoloured): string {
  const lines = [
    paint(TONES[summary.ending], headline(summary)),
    '',
    ...rowLines(summary, paint),
    ...callLines(summary, paint),
    line('Time', `${spoken(summary.elapsedMs)}, ${spokenRate(summary.rowsPerSecond)}`, paint),
    line('Output', summary.outputPath, paint),
    ...failureLines(summary.failures, width, paint),
    ...commandLines(summary, paint),
  ];
  return lines.join('\n');
}

function headline(summary: RunSummary): string {
  const { rows, answered, failed, remaining } = summary;
  const counts = [`${inThousands(answered)} of ${counted(rows, 'row')} answered`];
  if (failed > 0) counts.push(`${inThousands(failed)} failed`);
  if (remaining > 0) counts.push(`${inThousands(remaining)} not called yet`);
  switch (summary.ending) {
    case 'answered':
      return rows === 1 ? 'The row was answered.' : `All ${counted(rows, 'row')} were answered.`;
    case 'rows-failed':
      return `${counts.join(', ')}.`;
    case 'upstream-unavailable':
      return `The upstream is not available: ${counts.join(', ')}.`;
    case 'credentials-refused':
      return `The upstream refused the credentials: ${counts.join(', ')}.`;
    case 'too-many-failures':
      return `Stopped because too many rows failed: ${counts.join(', ')}.`;
    case 'interrupted':
      return `Interrupted: ${counts.join(', ')}.`;
  }
}

function rowLines(summary: RunSummary, paint: Paint): string[] {
  const resumed =
    summary.resumedRows > 0 ? ` (${inThousands(summary.resumedRows)} of them settled by an earlier run)` : '';
  const lines = [
    line('Rows', inThousands(summary.rows) + resumed, paint),
    line('Answered', inThousands(summary.answered), paint),
  ];
  lines.push(line('Failed', inThousands(summary.failed), paint, summary.failed > 0 ? 'bad' : 'plain'));
  if (summary.remaining > 0) lines.push(line('Remaining', inThousands(summary.remaining), paint, 'warn'));
  return lines;
}

function callLines(summary: RunSummary, paint: Paint): string[] {
  const { latencyMs, tooManyRequests, breakerOpenings } = summary;
  const extra = [counted(summary.retries, 'retry', 'retries')];
  if (tooManyRequests > 0) extra.push(`${inThousands(tooManyRequests)} answered with 429`);
  const lines = [line('Calls', `${inThousands(summary.calls)} (${extra.join(', ')})`, paint)];
  if (latencyMs) {
    const { p50, p90, p99, max } = latencyMs;
    lines.push(
      line('Latency', `p50 ${spoken(p50)}, p90 ${spoken(p90)}, p99 ${spoken(p99)}, max ${spoken(max)}`, paint),
    );
  }
  lines.push(...attemptLines(summary.attemptsHistogram, paint));
  if (summary.waitedForLimitMs > 0) {
    lines.push(line('Rate limit', `calls waited ${spoken(summary.waitedForLimitMs)} for it, added up`, paint));
  }
  if (breakerOpenings > 0) lines.push(line('Breaker', `opened ${times(breakerOpenings)}`, paint, 'warn'));
  return lines;
}

/** A row per number of attempts, with a bar; nothing where every row took one. */
function attemptLines(histogram: readonly number[], paint: Paint): string[] {
  const bars = histogram.map((rows, attempts) => ({ rows, attempts })).filter(({ rows }) => rows > 0);
  if (bars.length === 0 || (bars.length === 1 && bars[0]?.attempts === 1)) return [];
  const most = Math.max(...bars.map(({ rows }) => rows));
  const countWidth = inThousands(most).length;
  const nameWidth = String(histogram.length - 1).length;
  return bars.map(({ rows, attempts }, index) => {
    const bar = '█'.repeat(Math.max(1, Math.round((rows / most) * BAR_WIDTH)));
    const text = `${padStart(String(attempts), nameWidth)} × ${padStart(inThousands(rows), countWidth)} ${paint('faint', bar)}`;
    return line(index === 0 ? 'Attempts' : '', text, paint);
  });
}

function failureLines(failures: readonly FailureGroup[], width: number, paint: Paint): string[] {
  if (failures.length === 0) return [];
  const table = failures.map(({ category, rows, samplePositions, sampleMessage }) => {
    const positions = samplePositions.join(', ') + (rows > samplePositions.length ? ', …' : '');
    return [category, inThousands(rows), positions, sampleMessage.replaceAll(/\s+/g, ' ')] as const;
  });
  const head = ['Category', 'Failed', 'Positions', 'First message'] as const;
  const widths = [0, 1, 2].map((column) =>
    Math.max(...[head, ...table].map((cells) => textWidth(cells[column] ?? ''))),
  );
  const row = (cells: readonly [string, string, string, string]): string => {
    const [first = 0, second = 0, third = 0] = widths;
    const text = `  ${padEnd(cells[0], first)}  ${padStart(cells[1], second)}  ${padEnd(cells[2], third)}  ${cells[3]}`;
    return truncate(text, width);
  };
  return ['', paint('faint', row(head)), ...table.map(row)];
}

function commandLines(summary: RunSummary, paint: Paint): string[] {
  const lines: string[] = [];
  const add = (what: string, command: string | undefined): void => {
    // Not truncated: it is there to be copied.
    if (command !== undefined) lines.push('', what, paint('strong', `  ${command}`));
  };
  add('To go on where it stopped:', summary.resumeCommand);
  add('To call only the failed rows again:', summary.retryFailedCommand);
  return lines;
}

function line(label: string, value: string, paint: Paint, tone: Tone = 'plain'): string {
  return `  ${paint('faint', padEnd(label, LABEL_WIDTH))}${paint(tone, value)}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${inThousands(count)} times`;
}
