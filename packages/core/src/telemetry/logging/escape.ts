/**
 * What makes a line look like another one: control characters of either set, which terminals obey; line separators, at
 * which some readers break lines; and what is invisible or turns the direction of writing.
 */
const DECEPTIVE =
  /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

const unitAsJson = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
const asJson = (text: string): string => text.replaceAll(/[^]/g, unitAsJson);

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' };

/** JSON in which deceptive characters are escaped too; what it means is unchanged. */
export function escapedJson(json: string): string {
  return json.replaceAll(DECEPTIVE, asJson);
}

/** Text for a terminal in which deceptive characters can be seen and do nothing. */
export function visible(text: string): string {
  return text.replaceAll(DECEPTIVE, (found) => SHORT[found] ?? asJson(found));
}
