import type { ProblemFault } from '../contract/problem.ts';

/** How deeply metadata may be nested, its own object counted. */
const MAX_METADATA_DEPTH = 28;

/**
 * What of a value can't be kept as JSON exactly as it is; undefined when all can. JSON.stringify would make null of NaN, a text of
 * a date, and nothing of a function, without a word. The key `__proto__` bites whoever copies objects carelessly.
 */
export function jsonFault(value: unknown, path: string, depth: number = 1): ProblemFault | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : { path, message: 'must be a number that JSON has' };
  }
  if (typeof value !== 'object' || !isPlain(value)) return { path, message: 'must be what JSON has' };
  if (depth > MAX_METADATA_DEPTH) return { path, message: `must not be nested more than ${MAX_METADATA_DEPTH} deep` };
  for (const [key, inner] of Object.entries(value)) {
    const at = `${path}.${key}`;
    if (key === '__proto__') return { path: at, message: 'is a key that is not allowed' };
    // A field that is undefined counts as not there; in a list it would leave a hole.
    if (inner === undefined && !Array.isArray(value)) continue;
    const fault = jsonFault(inner, at, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === null || prototype === Object.prototype;
}
