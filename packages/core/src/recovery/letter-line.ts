/**
 * The lines of a store of dead letters, JSON each. A letter is one; a later one of the same id stands in its place, at
 * the end of the line; `{"removed":"<id>"}` takes it out. A line that was torn by a crash is no JSON object any more, so
 * that it is told from a whole one.
 */
import type { DeadLetter } from './letter.ts';

/** What a line says. */
export type LineContent =
  | { readonly is: 'letter'; readonly letter: DeadLetter }
  | { readonly is: 'removal'; readonly id: string }
  | { readonly is: 'damaged' };

/**
 * The line of a letter.
 *
 * @throws TypeError where the item can't be written as JSON.
 */
export function letterLine(letter: DeadLetter): string {
  const { item, ...rest } = letter;
  const written = JSON.stringify(item);
  if (written === undefined && item !== undefined) throw new TypeError(`a ${typeof item} is no JSON`);
  return JSON.stringify(written === undefined ? rest : { ...rest, item });
}

/** The line that takes a letter out. */
export function removalLine(id: string): string {
  return JSON.stringify({ removed: id });
}

/** What a line says. */
export function readLine(line: string): LineContent {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return { is: 'damaged' };
  }
  if (typeof parsed !== 'object' || parsed === null) return { is: 'damaged' };
  const { removed } = parsed as { readonly removed?: unknown };
  if (typeof removed === 'string') return { is: 'removal', id: removed };
  return isLetter(parsed) ? { is: 'letter', letter: parsed } : { is: 'damaged' };
}

function isLetter(value: object): value is DeadLetter {
  const { id, attempts, error, at } = value as Readonly<Partial<Record<keyof DeadLetter, unknown>>>;
  const known = typeof id === 'string' && typeof at === 'string' && Number.isSafeInteger(attempts);
  return known && typeof error === 'object' && error !== null;
}
