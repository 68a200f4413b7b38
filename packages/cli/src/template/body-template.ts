import { usageError } from '../command-line/command-error.ts';
import type { InputRow } from '../input/row.ts';
import { insideJsonString } from '../json/json-string.ts';
import { UnfitValue, fill, parseTemplate } from './template.ts';
import type { Template } from './template.ts';
import { columnText } from './column-text.ts';

export interface BodyTemplate {
  readonly columns: readonly string[];
  readonly contentType: string;
  render(row: InputRow): string;
}

/** The row itself, as JSON. */
export function rowAsBody(contentType: string | undefined): BodyTemplate {
  return { columns: [], contentType: contentType ?? 'application/json', render: (row) => row.json };
}

/** Which escaping a body needs follows from its content type; without one it is JSON. */
export function bodyTemplate(text: string, contentType: string | undefined): BodyTemplate {
  const template = parseTemplate(text, '--body');
  const type = contentType ?? 'application/json';
  if (/[/+]json\b/i.test(type)) return jsonBody(template, type);
  const escape = /x-www-form-urlencoded/i.test(type) ? formValue : (value: string): string => value;
  return {
    columns: template.slots,
    contentType: type,
    render: (row) => fill(template, (column) => escape(columnText(row, column))),
  };
}

function jsonBody(template: Template, contentType: string): BodyTemplate {
  const insideString = slotsInsideStrings(template);
  const sample = fill(template, (_, slot) => (insideString[slot] === true ? '' : '0'));
  try {
    JSON.parse(sample);
  } catch (error) {
    throw usageError(
      `--body is not JSON: ${(error as Error).message}. For another kind of body give its type: --header 'Content-Type: text/plain'.`,
    );
  }
  const render = (row: InputRow): string =>
    fill(template, (column, slot) => {
      if (insideString[slot] === true) return insideJsonString(columnText(row, column));
      const raw = row.raw(column);
      if (raw === undefined) throw new UnfitValue(`line ${row.line}: the row has no "${column}"`);
      return raw;
    });
  return { columns: template.slots, contentType, render };
}

/** Walks the literal parts and notes for each slot whether a JSON string is open where it stands. */
function slotsInsideStrings(template: Template): boolean[] {
  const inside: boolean[] = [];
  let open = false;
  for (let index = 0; index < template.slots.length; index += 1) {
    const part = template.parts[index] ?? '';
    for (let at = 0; at < part.length; at += 1) {
      if (part[at] === '\\' && open) at += 1;
      else if (part[at] === '"') open = !open;
    }
    inside.push(open);
  }
  return inside;
}

function formValue(value: string): string {
  return encodeURIComponent(value.replaceAll(/\p{Surrogate}/gu, '\ufffd')).replaceAll('%20', '+');
}
