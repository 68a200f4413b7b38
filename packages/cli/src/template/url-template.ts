import { usageError } from '../command-line/command-error.ts';
import type { InputRow } from '../input/row.ts';
import { UnfitValue, fill, parseTemplate } from './template.ts';
import { columnText } from './column-text.ts';

export interface UrlTemplate {
  readonly columns: readonly string[];
  render(row: InputRow): string;
}

/**
 * Values become URL components. In the path an empty value, `.` and `..` are refused: each of them would call another
 * address than the one that is written. A template that begins with a slot takes the whole beginning from the column.
 */
export function urlTemplate(text: string): UrlTemplate {
  const template = parseTemplate(text, '--url');
  const fromColumn = template.parts[0] === '' && template.slots.length > 0;
  if (!fromColumn)
    checkUrl(
      fill(template, () => 'x'),
      text,
    );
  const inPath = template.slots.map((_, slot) => !/[?#]/.test(template.parts.slice(0, slot + 1).join('')));

  const render = (row: InputRow): string => {
    const url = fill(template, (column, slot) => {
      const value = columnText(row, column);
      if (fromColumn && slot === 0) return value.trim();
      return inPath[slot] === true ? pathComponent(value, column) : component(value, column);
    });
    if (fromColumn && !isHttpUrl(url)) {
      throw new UnfitValue(
        `line ${row.line}: "${url.slice(0, 80)}" from column "${template.slots[0]}" is not an http or https URL`,
      );
    }
    return url;
  };
  return { columns: template.slots, render };
}

function checkUrl(filled: string, text: string): void {
  let url: URL;
  try {
    url = new URL(filled);
  } catch {
    const hint = /^[\w.-]+(:\d+)?(\/|$)/.test(text) ? ` Did you mean https://${text}?` : '';
    throw usageError(`--url: "${text}" is not a URL.${hint} Expected http://… or https://….`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw usageError(`--url: protocol "${url.protocol}" is not supported; expected http: or https:.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw usageError(
      '--url: user and password do not belong into a URL, which is logged everywhere. ' +
        'Give --header-env Authorization=VARIABLE instead, with "Basic …" in the variable.',
    );
  }
}

function isHttpUrl(url: string): boolean {
  return /^https?:\/\/[^@/]+(\/|\?|#|$)/i.test(url) && URL.canParse(url);
}

function component(value: string, column: string): string {
  if (/\p{Surrogate}/u.test(value))
    throw new UnfitValue(`column "${column}" holds half a character (a lone surrogate)`);
  return encodeURIComponent(value);
}

function pathComponent(value: string, column: string): string {
  if (value === '')
    throw new UnfitValue(`column "${column}" is empty, and in the path of the URL it would call another address`);
  if (value === '.' || value === '..') {
    throw new UnfitValue(`column "${column}" is "${value}", and in the path of the URL it would call another address`);
  }
  return component(value, column);
}
