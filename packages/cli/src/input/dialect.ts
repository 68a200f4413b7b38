import { inputError } from '../command-line/command-error.ts';

export type InputFormat = 'csv' | 'tsv' | 'jsonl';

/** How a delimited file is written. */
export interface Dialect {
  readonly delimiter: string;
  readonly quote: boolean;
  /** No delimiter stands in the header line: the file has one column. */
  readonly singleColumn: boolean;
}

/** The format by what the user said, by the file's name, or by its first character. */
export function inputFormat(asked: InputFormat | undefined, name: string, head: string): InputFormat {
  if (asked !== undefined) return asked;
  const extension = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase();
  if (extension === 'csv') return 'csv';
  if (extension === 'tsv' || extension === 'tab') return 'tsv';
  if (extension === 'jsonl' || extension === 'ndjson') return 'jsonl';
  if (extension === 'json' && head.trimStart().startsWith('[')) {
    throw inputError(
      `${name} line 1, column 1: a JSON array; one JSON object per line is needed. Convert it: jq -c '.[]' ${name}`,
    );
  }
  return head.trimStart().startsWith('{') ? 'jsonl' : 'csv';
}

/** Which of `,` `;` and tab stands most often outside of quotes in the header line; the comma wins a tie. */
export function detectDialect(
  head: string,
  format: 'csv' | 'tsv',
  asked: { readonly delimiter?: string | undefined; readonly quote?: boolean | undefined },
): Dialect {
  const quote = asked.quote ?? true;
  const candidates = asked.delimiter !== undefined ? [asked.delimiter] : format === 'tsv' ? ['\t'] : [',', ';', '\t'];
  let best = candidates[0] ?? ',';
  let most = 0;
  for (const candidate of candidates) {
    const count = countOutsideQuotes(head, candidate, quote);
    if (count > most) [best, most] = [candidate, count];
  }
  return { delimiter: best, quote, singleColumn: most === 0 };
}

function countOutsideQuotes(head: string, delimiter: string, quote: boolean): number {
  let count = 0;
  let quoted = false;
  let begun = false;
  for (const char of head) {
    if (!quoted && (char === '\n' || char === '\r')) {
      // Blank lines before the header are not the header.
      if (begun) return count;
      continue;
    }
    begun = true;
    if (quote && char === '"') quoted = !quoted;
    else if (!quoted && char === delimiter) count += 1;
  }
  return count;
}

/** True as soon as `head` holds the whole first line: a line break outside of quotes. */
export function holdsFirstLine(head: string): boolean {
  let quoted = false;
  let begun = false;
  for (const char of head) {
    if (char === '"') quoted = !quoted;
    if ((char === '\n' || char === '\r') && !quoted && begun) return true;
    if (char !== '\n' && char !== '\r') begun = true;
  }
  return false;
}
