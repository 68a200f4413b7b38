import type { InputRow } from '../input/row.ts';
import { UnfitValue } from './template.ts';

/** The text of a column that the row must have. */
export function columnText(row: InputRow, column: string): string {
  const text = row.text(column);
  if (text === undefined) throw new UnfitValue(`line ${row.line}: the row has no "${column}"`);
  return text;
}
