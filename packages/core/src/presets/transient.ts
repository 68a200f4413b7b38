/**
 * What the presets take for trouble that passes, and for trouble of the upstream. The first decides what is sent again,
 * the second what opens a breaker. They are not the same: a 429 asks to come back later and says nothing bad about the
 * upstream's health; a request that is wrong is neither.
 */
import { isRetryable } from '../gates/retryable.ts';

/** Statuses that another try may mend. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * SQLSTATE classes and codes that another try may mend: connection exceptions, serialization failures and deadlocks,
 * insufficient resources, a lock that was not available, a server that shuts down or starts.
 * Source: PostgreSQL's appendix of error codes, which follows ISO/IEC 9075.
 */
const TRANSIENT_SQL_STATE = /^(?:08...|40001|40P01|53...|55P03|57P0[123])$/;
/** MySQL's and MariaDB's drivers name their errors. */
const TRANSIENT_MYSQL: ReadonlySet<string> = new Set([
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
]);

/**
 * Whether a call that failed with this error may go better the next time. Not: an abort; validation and configuration
 * errors, an open breaker, an exhausted deadline, or an error that says `retryable: false`; an HTTP status other than
 * 408, 425, 429, 500, 502, 503 and 504, read from `status` or `statusCode` of the error or of its `response`.
 */
export function isTransient(error: unknown): boolean {
  if (!isRetryable(error) || isAbort(error)) return false;
  const status = statusOf(error);
  return status === undefined || TRANSIENT_STATUSES.has(status);
}

/**
 * The same for a database: an error that carries an SQLSTATE or a MySQL error name counts only when that says that the
 * connection, a lock or the server's resources were to blame, and not the statement.
 */
export function isTransientDatabaseError(error: unknown): boolean {
  if (!isTransient(error)) return false;
  const code = statementFault(error);
  return code === undefined || TRANSIENT_SQL_STATE.test(code) || TRANSIENT_MYSQL.has(code);
}

/** Whether an HTTP upstream is to blame: everything but the statuses 400 to 499, of which only 408 tells of trouble there. */
export function isUpstreamFailure(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status < 400 || status >= 500 || status === 408;
}

/** Whether a database is to blame, and not the statement that it was given. */
export function isDatabaseFailure(error: unknown): boolean {
  const code = statementFault(error);
  if (code === undefined) return true;
  // A deadlock is the statements' own doing, although another try may mend it.
  return (
    /^(?:08...|53...|57P0[123]|XX...)$/.test(code) || code === 'ER_CON_COUNT_ERROR' || code === 'ER_SERVER_SHUTDOWN'
  );
}

function isAbort(error: unknown): boolean {
  return (error as { readonly name?: unknown } | null | undefined)?.name === 'AbortError';
}

function statusOf(error: unknown): number | undefined {
  const holder = error as Partial<Record<'status' | 'statusCode' | 'response', unknown>> | null | undefined;
  const inner = holder?.response as Partial<Record<'status', unknown>> | null | undefined;
  for (const status of [holder?.status, holder?.statusCode, inner?.status]) {
    if (typeof status === 'number' && status >= 100 && status <= 599) return status;
  }
  return undefined;
}

/** The SQLSTATE or the name of a MySQL error; undefined for what is no answer of a database, such as ECONNRESET. */
function statementFault(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  if (typeof code !== 'string') return undefined;
  return /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E') ? code : code.startsWith('ER_') ? code : undefined;
}
