/** Headers as fetch has them (`Headers`), or anything else with its `get`. */
export interface HeaderGetter {
  get(name: string): string | null | undefined;
}

/** Headers as Node's http and most frameworks have them: names in lower case. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Headers of a request or a response, in either of the shapes that platforms use. */
export type HeaderSource = HeaderGetter | HeaderRecord;

/** The value of a header, several of one name joined by `, `; undefined when it is not there or empty. */
export function headerValue(headers: HeaderSource, name: string): string | undefined {
  const value = isGetter(headers) ? headers.get(name) : fromRecord(headers, name);
  const text = Array.isArray(value) ? value.join(', ') : (value as string | null | undefined);
  return text === null || text === undefined || text.trim() === '' ? undefined : text.trim();
}

function isGetter(headers: HeaderSource): headers is HeaderGetter {
  return typeof headers.get === 'function';
}

function fromRecord(headers: HeaderRecord, name: string): string | readonly string[] | undefined {
  const exact = headers[name.toLowerCase()];
  if (exact !== undefined) return exact;
  const key = Object.keys(headers).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : headers[key];
}
