import { padEnd, padStart, textWidth } from '../progress/text-width.ts';

/** A column: its title, and whether it holds numbers, which stand to the right. */
export interface Column {
  readonly title: string;
  readonly isNumeric?: boolean;
}

/** Rows under their titles, in columns as wide as they need to be; ends without a line break. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(inOneLine))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => textWidth(row[index] ?? ''))));
  return cells
    .map((row) =>
      columns
        .map(({ isNumeric }, index) => (isNumeric ? padStart : padEnd)(row[index] ?? '', widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names with their values, one on a line. */
export function facts(entries: readonly (readonly [name: string, value: string])[]): string {
  const lines = entries.map(([name, value]) => [inOneLine(name), inOneLine(value)] as const);
  const width = Math.max(...lines.map(([name]) => textWidth(name)));
  return lines.map(([name, value]) => `${padEnd(name, width)}  ${value}`.trimEnd()).join('\n');
}

/** What comes from outside must neither break the table nor command the terminal. */
export const inOneLine = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- these are the ones that terminals obey
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '\ufffd');
