import { fnv1a } from './faults.ts';
import { romanize } from './romanize.ts';

/** What the API answers: made from the request alone, so that the same request always gets the same card. */
export interface Card {
  readonly id: string;
  readonly term: string;
  /** A stand-in for real work: the term's letters, romanised. */
  readonly translation: string;
  readonly idempotencyKey: string | null;
  readonly request: unknown;
}

const TERM_FIELDS = ['term', 'word', 'text', 'q', 'name'];

export function cardFor(target: URL, body: unknown, idempotencyKey: string | null): Card {
  const term = termOf(body) ?? termOf(Object.fromEntries(target.searchParams)) ?? target.pathname;
  return {
    id: `card_${fnv1a(`${target.pathname} ${term}`).toString(16).padStart(8, '0')}`,
    term,
    translation: romanize(term),
    idempotencyKey,
    request: body,
  };
}

/** A body is JSON when it parses as JSON, the text itself otherwise, and null when there is none. */
export function readBody(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The field by which a row says where it stood in its file. */
export function positionOf(target: URL, body: unknown): string | number | null {
  const position = isRecord(body) ? body['position'] : target.searchParams.get('position');
  return typeof position === 'string' || typeof position === 'number' ? position : null;
}

function termOf(source: unknown): string | undefined {
  if (typeof source === 'string') return source;
  if (!isRecord(source)) return undefined;
  const named = TERM_FIELDS.map((field) => source[field]);
  return [...named, ...Object.values(source)].find((value) => typeof value === 'string' && value !== '') as
    | string
    | undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
