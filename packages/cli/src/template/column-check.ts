import { usageError } from '../command-line/command-error.ts';
import type { RequestTemplate } from './request-template.ts';

/** Refuses a template that names a column which the input does not have, before anything is called. */
export function checkColumns(template: RequestTemplate, known: readonly string[], inputName: string): void {
  const composed = new Set(known.map((name) => name.normalize('NFC')));
  for (const [column, option] of template.columns) {
    if (composed.has(column.normalize('NFC'))) continue;
    const nearest = nearestName(column, known);
    const hint = nearest === undefined ? '' : ` Did you mean {{${nearest}}}?`;
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

/** The known name that the fewest changes of a letter lead to, if they are few. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(2, Math.ceil(name.length / 3)) + 1;
  for (const candidate of known) {
    const changes = editDistance(name.toLowerCase().normalize('NFC'), candidate.toLowerCase().normalize('NFC'));
    if (changes < fewest) [best, fewest] = [candidate, changes];
  }
  return best;
}

/** Levenshtein's distance, one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
