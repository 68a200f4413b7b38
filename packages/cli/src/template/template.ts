/**
 * A template is text with `{{column}}` in it. It is cut once into literal parts and slots; where a slot stands decides
 * how its value is escaped, so that no value can break out of its place.
 */
import { usageError } from '../command-line/command-error.ts';

export interface Template {
  /** One more than slots: part, slot, part, … part. */
  readonly parts: readonly string[];
  readonly slots: readonly string[];
}

/** @param option Whose text it is, for the message: `--url`. */
export function parseTemplate(text: string, option: string): Template {
  const parts: string[] = [];
  const slots: string[] = [];
  let from = 0;
  for (;;) {
    const open = text.indexOf('{{', from);
    if (open === -1) break;
    const close = text.indexOf('}}', open + 2);
    const name = close === -1 ? '' : text.slice(open + 2, close).trim();
    // `{{"a":1}}` is no slot but JSON that somebody wrote without spaces.
    if (close !== -1 && /^["'[]/.test(name)) {
      throw usageError(
        `${option}: "{{" at character ${open + 1} begins a column name; write a space between braces of JSON.`,
      );
    }
    if (name === '' || /[{}]/.test(name)) {
      throw usageError(`${option}: "{{" at character ${open + 1} is not followed by a column name and "}}".`);
    }
    parts.push(text.slice(from, open));
    slots.push(name);
    from = close + 2;
  }
  parts.push(text.slice(from));
  return { parts, slots };
}

/** The template's text with each slot filled. */
export function fill(template: Template, value: (column: string, slot: number) => string): string {
  let text = template.parts[0] ?? '';
  for (let slot = 0; slot < template.slots.length; slot += 1) {
    text += value(template.slots[slot] ?? '', slot) + (template.parts[slot + 1] ?? '');
  }
  return text;
}

/** Thrown while a row is rendered: the row cannot be called, the run goes on. */
export class UnfitValue extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnfitValue';
  }
}
