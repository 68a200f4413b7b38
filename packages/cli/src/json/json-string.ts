/**
 * Text as JSON. Most cells need no escaping, and to find that out costs a fraction of what `JSON.stringify` takes for a
 * short string.
 */

/** What may not stand in a string of JSON as it is: quotes, backslashes, control characters, halves of characters. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const toBeEscaped = /["\\\u0000-\u001f\ud800-\udfff]/;

/** What `JSON.stringify` gives for a text. */
export function jsonString(text: string): string {
  return toBeEscaped.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** The same without the quotes around it: what may stand inside a string of JSON. */
export function insideJsonString(text: string): string {
  return toBeEscaped.test(text) ? JSON.stringify(text).slice(1, -1) : text;
}
