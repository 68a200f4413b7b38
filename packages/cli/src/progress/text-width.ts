/**
 * How many columns a terminal gives to a text. Hangul, Chinese and Japanese letters and emoji take two, combining marks none.
 * The ranges are those of Unicode's East Asian Width W and F, rounded to whole blocks: rows hold words, not rare symbols.
 */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
/** Marks, joiners, and the medial and final letters of decomposed Hangul, which join the letter before. */
const NO_WIDTH = /^[\p{M}\p{Cf}\u1160-\u11ff]/u;

export function textWidth(text: string): number {
  let width = 0;
  for (const letter of text) width += letterWidth(letter);
  return width;
}

/** The text if it fits, otherwise its beginning and an ellipsis, together no wider than `width`. */
export function truncate(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  let left = width - 1;
  for (const letter of text) {
    left -= letterWidth(letter);
    if (left < 0) break;
    kept += letter;
  }
  return width > 0 ? `${kept}…` : '';
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text))) + text;
}

function letterWidth(letter: string): number {
  if (letter < '\u0300') return 1;
  if (NO_WIDTH.test(letter)) return 0;
  return WIDE.test(letter) ? 2 : 1;
}
