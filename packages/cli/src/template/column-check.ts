import { nearest } from 'breakwater/options';
import { usageError } from '../command-line/command-error.ts';
import type { RequestTemplate } from './request-template.ts';

/** Refuses a template that names a column which the input does not have, before anything is called. */
export function checkColumns(template: RequestTemplate, known: readonly string[], inputName: string): void {
  const composed = known.map((name) => name.normalize('NFC'));
  for (const [column, option] of template.columns) {
    if (composed.includes(column.normalize('NFC'))) continue;
    const near = nearest(column.normalize('NFC'), composed);
    const hint = near === undefined ? '' : ` Did you mean {{${near}}}?`;
    const shown = known
      .slice(0, 20)
      .map((name) => `"${name}"`)
      .join(', ');
    throw usageError(
      `${option}: {{${column}}} is not a column of ${inputName} (line 1).${hint} ` +
        `Its columns are ${shown}${known.length > 20 ? ` and ${known.length - 20} more` : ''}.`,
    );
  }
}
