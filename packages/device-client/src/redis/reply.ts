import { InvalidResponse } from '../errors/errors.ts';

const decoder = new TextDecoder();

/** A text of a reply: clients give bytes, and some ports texts. */
export function textOf(reply: unknown): string {
  if (typeof reply === 'string') return reply;
  if (reply instanceof Uint8Array) return decoder.decode(reply);
  if (typeof reply === 'number' || typeof reply === 'bigint') return String(reply);
  throw unexpected(reply);
}

/** A number of a reply: an integer, or the text of a score. */
export function numberOf(reply: unknown): number {
  const value = Number(textOf(reply));
  if (Number.isNaN(value)) throw unexpected(reply);
  return value;
}

/** A list of a reply. */
export function listOf(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw unexpected(reply);
}

/** A member of a sorted set with its score. */
export interface Scored {
  readonly member: string;
  readonly score: number;
}

/** The reply to WITHSCORES: one list in RESP 2, a list of pairs in RESP 3. */
export function scoredOf(reply: unknown): readonly Scored[] {
  const flat = listOf(reply).flat();
  const found: Scored[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) found.push({ member: textOf(flat[i]), score: numberOf(flat[i + 1]) });
  return found;
}

const unexpected = (reply: unknown): InvalidResponse =>
  new InvalidResponse(`Redis answered with ${reply === null ? 'nil' : `a ${typeof reply}`} where it should not`, []);
