/**
 * Says what kind of trouble any error is, wherever it came from: the library, the platform, Redis clients, pg, HTTP
 * clients. It goes by what errors carry (codes, names, statuses), by their shape rather than their class, since each
 * of those comes in many copies; a cause is asked where the error itself says nothing.
 */
import { isBreakwaterError } from './breakwater-error.ts';
import { builtInCategories, type ErrorCategory } from './category.ts';
import { classifyHttpStatus } from './classify-status.ts';
import { classifyPostgres } from './classify-postgres.ts';
import { classifyRedis } from './classify-redis.ts';
import type { ErrorShape, Kind } from './error-kind.ts';
import { networkTroubleOf } from './network-failure.ts';

/** What kind of trouble an error is. */
export interface Classification {
  readonly category: ErrorCategory;
  /** A stable code; see docs/errors.md. */
  readonly code: string;
  /** Whether another try may help. */
  readonly retryable: boolean;
  /** After how many milliseconds it makes sense, where the error says so. */
  readonly retryAfterMs?: number | undefined;
  /** The HTTP status of the answer that the error stands for, where it does. */
  readonly status?: number | undefined;
}

/** How far causes are followed. */
const MOST_CAUSES = 5;

/** The kind of trouble that `error` is; `internal` with the code `UNKNOWN` for what nobody knows. Never throws. */
export function classify(error: unknown): Classification {
  try {
    return classified(error, 0) ?? unknown(error);
  } catch {
    // An error whose getters throw is one that nobody knows.
    return { category: 'internal', code: 'UNKNOWN', retryable: false };
  }
}

function classified(error: unknown, depth: number): Classification | undefined {
  if (typeof error !== 'object' || error === null || depth > MOST_CAUSES) return undefined;
  const shape = error as ErrorShape;
  const kind = ownKind(error) ?? kindOf(shape);
  if (kind !== undefined) return withOwnWord(kind, shape);
  const inner = classified(shape.cause, depth + 1) ?? classified(firstOf(shape.errors), depth + 1);
  return inner === undefined ? kindOfProgram(shape) : withOwnWord(inner, shape);
}

/** Of the library's own errors, from whichever copy: what they say. */
function ownKind(error: object): Kind | undefined {
  return isBreakwaterError(error) ? { category: error.category, code: error.code } : undefined;
}

function kindOf(shape: ErrorShape): Kind | undefined {
  return (
    kindOfAbort(shape) ??
    classifyPostgres(shape) ??
    classifyRedis(shape) ??
    kindOfSystem(shape) ??
    classifyHttpStatus(shape) ??
    kindOfParsing(shape)
  );
}

function kindOfAbort({ name, code }: ErrorShape): Kind | undefined {
  if (name === 'TimeoutError' && typeof code !== 'string') return { category: 'timeout', code: 'TIMEOUT' };
  if (name !== 'AbortError' && code !== 'ABORT_ERR') return undefined;
  return { category: 'internal', code: 'ABORTED', retryable: false };
}

/** Codes of Node, undici and Bun: of the network, or of files and processes. */
function kindOfSystem({ code }: ErrorShape): Kind | undefined {
  if (typeof code !== 'string') return undefined;
  const trouble = networkTroubleOf(code);
  if (trouble !== undefined)
    return { category: 'network', code: `NETWORK_${trouble}`, retryable: trouble !== 'TLS' && trouble !== 'PROTOCOL' };
  if (!/^E[A-Z0-9]{2,15}$/.test(code)) return undefined;
  // Out of descriptors or busy: that passes. A file that isn't there doesn't come by itself.
  return {
    category: 'internal',
    code: `SYSTEM_${code}`,
    retryable: /^E(?:AGAIN|BUSY|MFILE|NFILE|INTR|TXTBSY)$/.test(code),
  };
}

function kindOfParsing({ name, code }: ErrorShape): Kind | undefined {
  const parsing =
    name === 'SyntaxError' || name === 'CsvError' || (typeof code === 'string' && code.startsWith('CSV_'));
  return parsing ? { category: 'parsing', code: 'PARSING' } : undefined;
}

/** What only a bug throws; asked last, because `fetch` throws a TypeError too, and its cause knows better. */
function kindOfProgram(shape: ErrorShape): Classification | undefined {
  const { name, message } = shape;
  if (name === 'TypeError' && typeof message === 'string' && /fetch failed|failed to fetch|load failed/i.test(message))
    return withOwnWord({ category: 'network', code: 'NETWORK_FAILED' }, shape);
  const bug = name === 'TypeError' || name === 'RangeError' || name === 'ReferenceError' || name === 'EvalError';
  return bug ? withOwnWord({ category: 'internal', code: 'INTERNAL' }, shape) : undefined;
}

/** The kind, with what the error itself says of another try: it knows best. */
function withOwnWord({ category, code, retryable, status }: Kind, shape: ErrorShape): Classification {
  const usually =
    (builtInCategories as Readonly<Record<string, { readonly retryable: boolean }>>)[category]?.retryable ?? false;
  const { retryAfterMs } = shape;
  return {
    category,
    code,
    retryable: typeof shape.retryable === 'boolean' ? shape.retryable : (retryable ?? usually),
    ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? { retryAfterMs } : {}),
    ...(status === undefined ? {} : { status }),
  };
}

function unknown(error: unknown): Classification {
  return withOwnWord({ category: 'internal', code: 'UNKNOWN' }, Object(error) as ErrorShape);
}

const firstOf = (errors: unknown): unknown => (Array.isArray(errors) ? errors[0] : undefined);
