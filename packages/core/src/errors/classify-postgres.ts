import type { ErrorShape, Kind } from './error-kind.ts';

/** What pg says in words alone when a connection is gone. */
const CONNECTION_LOST =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|Connection ended unexpectedly|Cannot use a pool after|the database system is (?:starting up|shutting down))/i;
const TIMED_OUT =
  /^(?:timeout exceeded when trying to connect|timeout expired|Query read timeout|Connection terminated due to connection timeout)/i;

/**
 * Errors of PostgreSQL, as pg gives them: `PG_` and the SQLSTATE (PostgreSQL's manual, appendix A). Category
 * `database`, but class 28 (who are you?) `authentication`, and a cancelled statement `timeout`.
 */
export function classifyPostgres({ code, severity, message }: ErrorShape): Kind | undefined {
  if (typeof message === 'string' && TIMED_OUT.test(message)) return { category: 'timeout', code: 'PG_TIMEOUT' };
  if (typeof code !== 'string' && typeof message === 'string' && CONNECTION_LOST.test(message))
    return { category: 'database', code: 'PG_CONNECTION' };
  if (typeof code !== 'string' || typeof severity !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  const own = `PG_${code}`;
  if (code.startsWith('28')) return { category: 'authentication', code: own };
  if (code === '57014') return { category: 'timeout', code: own };
  return { category: 'database', code: own, retryable: mayPass(code) };
}

/** Lost connections (08), rolled back transactions (40), want of resources (53), a lock (55P03), a server that goes or comes (57P). */
function mayPass(code: string): boolean {
  return /^(?:08|40|53|57P)/.test(code) || code === '55P03';
}
